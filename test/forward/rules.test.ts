import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectHead, openTunnel, takeGrant } from '../support/forward/open-tunnel.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { captureHello } from '../support/forward/capture-hello.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask } from '../support/raw-client.ts'

const as = (login: string): string => `Proxy-Authorization: Basic ${btoa(login)}\r\n`

describe('rules of the forward proxy, over its ports', () => {
  test('a denied request and a denied tunnel are refused alike, undialled, and the log names the rule', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {
      rules: [{ name: 'no-locals', match: { host: 'localhost', port: origin.port }, deny: true }],
    })
    const plain = await ask(proxy.port, plainRequest(`http://localhost:${origin.port}/`))
    const tunnel = await ask(proxy.port, connectHead(`LOCALHOST.:${origin.port}`), 'CONNECT')
    for (const reply of [plain, tunnel]) {
      assert.equal(reply.status, 403)
      assert.match(reply.field('proxy-status')!, /error=http_request_denied; details="ERR_RULE_DENIED"/)
      assert.match(reply.body, /no-locals/)
    }
    assert.equal((await ask(proxy.port, plainRequest(origin.url))).body, 'hello')
    const lines = await proxy.logged(3)
    assert.deepEqual(
      lines.map(({ route, cause }) => [route, cause]),
      [
        ['no-locals', 'ERR_RULE_DENIED'],
        ['no-locals', 'ERR_RULE_DENIED'],
        ['default', undefined],
      ],
    )
    assert.equal(origin.connections.length, 1)
  })

  test('redirectTo is reached in place of what was asked for, by requests and by tunnels; Host stays', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {
      rules: [{ match: { host: 'legacy.invalid' }, redirectTo: `127.0.0.1:${origin.port}` }],
    })
    await ask(proxy.port, plainRequest('http://legacy.invalid/a'))
    assert.equal(origin.requests[0]!.field('host'), 'legacy.invalid')
    const client = await proxy.connect()
    client.send(connectHead('legacy.invalid:443'))
    await takeGrant(client)
    client.send('GET /b HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal((await client.reply()).body, 'hello')
    client.end()
    await client.over()
  })

  test('F8 the guard looks at where a rule leads', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {
      guard: {},
      rules: [{ match: { host: 'legacy.invalid' }, redirectTo: `127.0.0.1:${origin.port}` }],
    })
    assert.equal((await ask(proxy.port, plainRequest('http://legacy.invalid/'))).status, 403)
    assert.equal((await ask(proxy.port, connectHead('legacy.invalid:443'), 'CONNECT')).status, 403)
    assert.equal(origin.connections.length, 0)
  })

  test('by the addresses of a name, which is resolved for that, and of what cannot be resolved there are none', async (t) => {
    const origin = await startOrigin(t)
    const parent = await startOrigin(t)
    const proxy = await startForward(
      t,
      {
        rules: [{ name: 'loop', match: { address: ['127.0.0.0/8', '::1/128'] }, direct: true }],
        default: { via: 'p' },
      },
      { config: { parents: { p: { url: parent.url } } } },
    )
    assert.equal((await ask(proxy.port, plainRequest(`http://localhost:${origin.port}/`))).status, 200)
    assert.equal((await ask(proxy.port, plainRequest('http://nothing.invalid/'))).status, 200)
    const lines = await proxy.logged(2)
    assert.deepEqual(
      lines.map(({ route }) => route),
      ['loop', 'default'],
    )
    assert.equal(parent.requests.length, 1)
  })

  test('by user, and middleware of a rule for what it matches alone', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {
      auth: { basic: { users: { alice: 'a', bob: 'b' } } },
      rules: [
        { name: 'alice', match: { user: 'alice' }, use: [{ headers: { request: { set: { 'x-who': 'a' } } } }] },
        { match: { user: 'bob' }, deny: true },
      ],
    })
    const statuses: number[] = []
    for (const fields of [as('alice:a'), as('bob:b'), as('bob:a'), ''])
      statuses.push((await ask(proxy.port, plainRequest(origin.url, fields))).status)
    assert.deepEqual(statuses, [200, 403, 407, 407])
    assert.deepEqual(
      origin.requests.map((request) => [request.field('x-who'), request.field('proxy-authorization')]),
      [['a', undefined]],
    )
  })

  test('T4 a tunnel is decided on again with its ClientHello, and the log names the rule that then holds', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await captureHello((port) => [
      'openssl',
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'inner.test',
    ])
    const target = await startOrigin(t, () => {})
    const other = await startOrigin(t, () => {})
    const proxy = await startForward(t, {
      rules: [{ name: 'inner', match: { sni: 'inner.test' }, redirectTo: `127.0.0.1:${other.port}` }],
    })
    const client = await proxy.connect()
    client.send(connectHead(`127.0.0.1:${target.port}`))
    await takeGrant(client)
    client.send(hello)
    const server = await other.connection(0)
    await server.until(({ total }) => total === hello.length, 'the hello')
    server.end()
    await client.over()
    client.end()
    const mismatched = await openTunnel(proxy, target, 'localhost')
    mismatched.client.send(hello)
    await mismatched.client.over()
    const lines = await proxy.logged(2)
    assert.deepEqual(
      lines.map(({ route, cause }) => [route, cause]),
      [
        ['inner', undefined],
        ['inner', 'ERR_SNI_MISMATCH'],
      ],
    )
  })

  test('other rules hold from the next request on after a reload, also on a connection that is open', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url))
    assert.equal((await client.reply()).status, 200)
    await proxy.turnpike.reload({
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { default: { deny: true } },
      admin: 'off',
      log: { access: 'off' },
    })
    client.send(plainRequest(origin.url))
    assert.equal((await client.reply()).status, 403)
  })
})
