import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { decide } from '../../src/decision.ts'
import { lintRoutes } from '../../src/route-lints.ts'
import { testCertificate } from '../support/certificates.ts'

const root = path.resolve(import.meta.dirname, '../..')
const guide = readFileSync(path.join(root, 'docs/guide/gateway.md'), 'utf8')

function taken(config: Config, url: string, listener?: string): string {
  const { route, error } = decide(config, { method: 'CONNECT', url, ...(listener !== undefined && { listener }) })
  return route?.name ?? error!.code
}

test('the streams of the guide are checked, and take what it says', async (t) => {
  const shown = /## Streams\n[^]*?```yaml\n([^]*?)```/.exec(guide)![1]!
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-guide-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { cert, key } = testCertificate({ subject: 'api.example.com' })
  mkdirSync(path.join(folder, 'certs'))
  writeFileSync(path.join(folder, 'certs/api.pem'), cert)
  writeFileSync(path.join(folder, 'certs/api-key.pem'), key)
  writeFileSync(path.join(folder, 'turnpike.yaml'), shown)
  const { config, warnings } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  assert.deepEqual([...warnings, ...lintRoutes(config)], [])
  assert.equal(taken(config, 'vault.example.com:443'), 'vault')
  assert.equal(taken(config, 'a.tenants.example.com:443', 'secure'), 'tenants')
  assert.equal(taken(config, 'api.example.com:443', 'secure'), 'ERR_CONNECT_NOT_ALLOWED')
  assert.equal(taken(config, 'a.tenants.example.com:8200', 'vault'), 'ERR_NO_ROUTE')
})

test('the example of streams is checked, and takes what it says', async () => {
  const cwd = path.join(root, 'examples/gateway-streams')
  const { config, warnings } = await loadConfig('turnpike.yaml', { cwd, env: {} })
  assert.deepEqual([...warnings, ...lintRoutes(config)], [])
  assert.equal(taken(config, 'vault.example.com:443'), 'vault')
  assert.equal(taken(config, 'shop.example.com'), 'shops')
  assert.equal(taken(config, 'a.shop.example.com:8443'), 'shops')
  assert.equal(taken(config, 'example.com:443'), 'ERR_NO_ROUTE')
})

test('a stream that an earlier one leaves nothing to is told of', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-guide-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const streams = [
    '{ name: wide, match: { sni: "*.a.test" }, to: app }',
    '{ name: below, match: { sni: [x.a.test, "*.b.a.test"] }, to: app }',
    '{ name: beside, match: { sni: [a.test, x.a.test] }, to: app }',
    '{ name: listened, match: { sni: y.a.test, listener: raw }, to: app }',
    '{ name: own, match: { sni: "*", listener: raw }, to: app }',
    '{ name: rest, match: { sni: "*" }, to: app }',
  ]
  writeFileSync(
    path.join(folder, 'turnpike.yaml'),
    `listeners: { raw: { address: ":8443", door: gateway, mode: sni } }
gateway:
  routes: []
  streams: [${streams.join(', ')}]
  upstreams: { app: { endpoints: ["tcp://10.0.0.1:443"] } }
`,
  )
  const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  const found = lintRoutes(config).map(({ message }) => / the stream "(\w+)" .*: "(\w+)" comes/.exec(message)!.slice(1))
  assert.deepEqual(found, [
    ['below', 'wide'],
    ['listened', 'wide'],
  ])
})
