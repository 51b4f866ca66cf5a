import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explain } from '../../src/cli/explain.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { loadConfigObject } from '../../src/config/load.ts'
import { decide, type Question } from '../../src/decision.ts'

const input: ConfigInput = {
  listeners: {
    egress: { address: '127.0.0.1:3128', door: 'forward' },
    raw: { address: '127.0.0.1:8444', door: 'forward', mode: 'sni' },
    modules: { address: '127.0.0.1:3000', door: 'goproxy' },
  },
  parents: {
    near: { url: 'http://127.0.0.1:3129' },
    far: { url: 'socks5://127.0.0.1:1080', except: ['.local.example'] },
  },
  middlewares: { tracking: { headers: { request: { remove: ['referer'] } } } },
  goproxy: { chain: 'direct' },
  forward: {
    rules: [
      { name: 'ads', match: { host: '*.ads.example' }, deny: true },
      { name: 'inside', match: { sni: 'api.example' }, intercept: true, use: ['tracking'] },
      {
        name: 'office',
        match: { host: 'time.example', time: { from: '08:00', to: '17:00', zone: 'UTC' } },
        direct: true,
      },
      { name: 'alice', match: { user: 'alice', from: ['10.0.0.0/8'] }, direct: true },
      { name: 'net', match: { address: ['203.0.113.0/24'] }, deny: true },
      { name: 'moved', match: { host: 'legacy.example' }, redirectTo: 'new.example:8443' },
    ],
    default: { via: ['near', 'far'] },
    intercept: { authority: '/nowhere/ca' },
    guard: { allow: ['203.0.113.0/24'] },
  },
}

const { config } = await loadConfigObject(structuredClone<ConfigInput>(input))

function decided(method: string, url: string, more: Partial<Question> = {}) {
  const { rule, serves, error, listener } = decide(config, { method, url, ...more })
  if (error !== null) return [listener.name, rule, error.code]
  if (serves?.kind !== 'forward') return [listener.name, serves?.kind]
  const { target, parents, intercept, readsHello } = serves
  const hello = intercept ? ['intercept'] : readsHello ? ['hello'] : []
  return [listener.name, rule, target, ...parents, ...hello]
}

describe('turnpike explain, of a forward proxy', () => {
  test('says which rule decides, where it leads, and by which way', () => {
    assert.deepEqual(decided('CONNECT', 'a.ads.example:443'), ['egress', 'ads', 'ERR_RULE_DENIED'])
    assert.deepEqual(decided('CONNECT', 'api.example:443'), [
      'egress',
      'inside',
      'api.example:443',
      'near',
      'far',
      'intercept',
    ])
    assert.deepEqual(decided('CONNECT', 'b.example:443'), [
      'egress',
      'default',
      'b.example:443',
      'near',
      'far',
      'hello',
    ])
    assert.deepEqual(decided('CONNECT', 'b.local.example:443', { sni: '' }), [
      'egress',
      'default',
      'b.local.example:443',
      'near',
    ])
    assert.deepEqual(decided('CONNECT', 'legacy.example:443', { sni: '' }), [
      'egress',
      'moved',
      'new.example:8443',
      'near',
      'far',
    ])
    assert.deepEqual(decided('GET', 'http://A.Example./b?c'), ['egress', 'default', 'a.example:80', 'near', 'far'])
    assert.deepEqual(decided('CONNECT', 'api.example:443', { listener: 'raw' }), [
      'raw',
      'inside',
      'api.example:443',
      'near',
      'far',
      'intercept',
    ])
  })

  test('stands for a user, from somewhere, at some time, with a ClientHello', () => {
    const plain = 'http://b.example/'
    assert.deepEqual(decided('GET', plain, { user: 'alice', from: '10.1.2.3' }), ['egress', 'alice', 'b.example:80'])
    assert.deepEqual(decided('GET', plain, { user: 'alice' }), ['egress', 'default', 'b.example:80', 'near', 'far'])
    assert.deepEqual(decided('GET', plain, { addresses: ['203.0.113.9'] }), ['egress', 'net', 'ERR_RULE_DENIED'])
    const at = (time: string) => decided('GET', 'http://time.example/', { wallMs: Date.parse(time) })[1]
    assert.deepEqual([at('2026-03-02T08:00:00Z'), at('2026-03-02T17:00:00Z')], ['office', 'default'])
    assert.deepEqual(decided('CONNECT', 'b.example:443', { sni: 'api.example' }), [
      'egress',
      'inside',
      'ERR_SNI_MISMATCH',
    ])
  })

  test('says what refuses before any rule: ports, the guard, what is no target', () => {
    assert.deepEqual(decided('CONNECT', 'b.example:25'), ['egress', 'default', 'ERR_PORT_FORBIDDEN'])
    assert.deepEqual(decided('CONNECT', '[::ffff:10.0.0.1]:443'), ['egress', 'default', 'ERR_ADDRESS_FORBIDDEN'])
    assert.deepEqual(decided('GET', 'http://0x7f.1/'), ['egress', 'default', 'ERR_ADDRESS_FORBIDDEN'])
    assert.deepEqual(decided('CONNECT', 'b.example'), ['egress', undefined, 'ERR_CONNECT_TARGET'])
    assert.throws(() => decided('GET', '/path', { listener: 'egress' }), RangeError)
  })

  test('says why the earlier rules do not decide', () => {
    const { losers } = decide(config, { method: 'CONNECT', url: 'legacy.example:443', wallMs: 0, sni: '' })
    assert.deepEqual(
      losers.map(({ route, reason }) => `${route}: ${reason}`),
      [
        'ads: host: it is legacy.example',
        'inside: sni: it is legacy.example',
        'office: host: it is legacy.example',
        'alice: user: nobody has logged in',
        'net: address: it has none',
      ],
    )
  })

  test('the module proxy serves what comes to its listener', () => {
    assert.deepEqual(decided('GET', '/rsc.io/quote/@v/list'), ['modules', 'goproxy'])
    assert.deepEqual(decided('GET', 'http://a.example/x', { listener: 'modules' }), ['modules', 'goproxy'])
  })

  test('as a command: for people, as JSON, with its exit codes', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-explain-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'turnpike.yaml'), JSON.stringify(input))
    const run = async (...args: string[]) => {
      let text = ''
      const out = { write: (written: string) => (text += written) }
      return { code: await explain(args, { stdout: out, stderr: out, cwd: folder, env: {} }), text }
    }
    const shown = await run('CONNECT', '203.0.113.9:443', '--user', 'alice', '--from', '10.0.0.1', '--sni', '')
    assert.equal(
      shown.text,
      `request    CONNECT 203.0.113.9:443
listener   egress (127.0.0.1:3128)
rule       alice
target     203.0.113.9:443, directly
not        ads: host: it is 203.0.113.9
           inside: sni: it is 203.0.113.9
           office: host: it is 203.0.113.9
`,
    )
    assert.equal(shown.code, 0)
    const denied = await run('CONNECT', '203.0.113.9:443', '--sni', '', '--json')
    assert.equal(denied.code, 1)
    assert.equal(JSON.parse(denied.text).rule, 'net')
    assert.equal((await run('GET', 'nothing')).code, 2)
  })
})
