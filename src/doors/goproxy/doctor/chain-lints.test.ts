import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxyList } from '../../../gomod/proxy-list.ts'
import { lintChain } from './chain-lints.ts'
import { lintEnvironment, type GoSettings } from './environment-lints.ts'

test('G10 what is wrong with a chain by its text', () => {
  const cases: [chain: string, found: string][] = [
    ['https://a.example,direct', ''],
    ['https://a.example|https://b.example,direct', ''],
    ['direct', ''],
    ['off', ''],
    ['https://a.example,off', ''],
    ['file:///srv/modules,direct', ''],
    ['http://127.0.0.1:3000,direct', ''],
    ['http://localhost:3000', ''],
    ['http://[::1]:3000', ''],
    ['', 'no-chain chain'],
    [',', 'no-chain chain'],
    ['direct+https://a.example', 'no-chain chain'],
    ['a b', 'no-chain chain'],
    ['https://a.example,direct,https://b.example', 'never-read https://b.example'],
    ['off|https://u:p@b.example', 'never-read https://b.example'],
    ['https://a.example,,direct', 'empty-entry chain'],
    ['https://a.example,', 'empty-entry chain'],
    [',https://a.example', 'empty-entry chain'],
    // What follows direct is not read, empty or not.
    ['https://a.example,direct,', ''],
    ['https://a.example|https://a.example/', 'duplicate https://a.example/'],
    ['a.example|HTTPS://A.example', 'duplicate HTTPS://A.example'],
    ['https://a.example,https://b.example', 'comma-stops https://a.example'],
    ['https://a.example|direct', 'pipe-before-direct https://a.example'],
    ['https://a.example|off', 'mark-before-off https://a.example'],
    ['http://a.example', 'plain-http http://a.example'],
    ['https://u:secret@a.example', 'login-in-chain https://a.example'],
    ['http://u:secret@a.example', 'plain-http http://a.example login-over-http http://a.example'],
  ]
  for (const [chain, found] of cases) {
    const findings = lintChain(chain)
    assert.equal(findings.map(({ code, about }) => `${code} ${about}`).join(' '), found, chain)
    assert.doesNotMatch(JSON.stringify(findings), /secret/)
  }
})

test('G10 direct+https is told to be no mode, and how it is written', () => {
  const [finding] = lintChain('https://a.example,direct+https://b.example')
  assert.match(finding!.advice, /no such mode: name the proxy, then direct/)
})

test('G10 what settings of the go command do to a chain', () => {
  const cases: [settings: GoSettings, found: string][] = [
    [{ GOPRIVATE: 'git.example.com' }, ''],
    [{}, 'no-private GOPRIVATE'],
    [{ GONOPROXY: 'none' }, ''],
    [{ GOPRIVATE: 'a.example, b.example' }, 'blank-in-pattern GOPRIVATE'],
    [{ GOPRIVATE: 'a.example,[b' }, 'bad-pattern GOPRIVATE'],
    [{ GOPRIVATE: 'https://a.example' }, 'bad-pattern GOPRIVATE'],
    [{ GOPRIVATE: 'a.example', GONOSUMDB: 'b.example' }, 'told-to-sumdb GONOSUMDB'],
    [{ GOPRIVATE: 'a.example', GONOSUMDB: 'b.example,a.example' }, ''],
    [{ GOPRIVATE: 'a.example', GONOSUMDB: 'b.example', GOSUMDB: 'off' }, 'unverified GOSUMDB'],
    [{ GOPRIVATE: 'a.example', GONOSUMDB: '*,a.example' }, 'unverified GONOSUMDB'],
    [{ GOPRIVATE: 'a.example', GOFLAGS: '-insecure' }, 'insecure-flag GOFLAGS'],
    [{ GOPRIVATE: 'a.example', GOFLAGS: '-v -mod=vendor' }, 'vendor-flag GOFLAGS'],
    [{ GOPRIVATE: 'a.example', GOFLAGS: '-mod=mod' }, ''],
    [{ GOPRIVATE: 'a.example', GOINSECURE: 'b.example' }, 'insecure GOINSECURE'],
    [{ GOPRIVATE: 'a.example', HTTPS_PROXY: 'http://proxy.example' }, 'parent HTTPS_PROXY'],
  ]
  const { members } = parseProxyList('https://proxy.example,direct')
  for (const [settings, found] of cases) {
    const findings = lintEnvironment(settings, members)
    assert.equal(findings.map(({ code, about }) => `${code} ${about}`).join(' '), found, JSON.stringify(settings))
  }
  assert.deepEqual(lintEnvironment({}, parseProxyList('direct').members), [])
})
