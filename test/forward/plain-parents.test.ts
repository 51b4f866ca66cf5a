import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { startDante, startMicrosocks, startSquid, startTinyproxy } from '../support/peers/parents.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask } from '../support/raw-client.ts'

const login = { username: 'alice', password: 'sesame' }

type Parents = NonNullable<ConfigInput['parents']>

/** A proxy that goes through these parents, in their order. */
function behind(t: TestContext, parents: Parents, forward = {}): Promise<TestGateway> {
  return startForward(t, { default: { via: Object.keys(parents) }, ...forward }, { config: { parents } })
}

describe('plain requests through parents', () => {
  test('an HTTP parent is asked by an absolute target, for all hosts on one connection, with our login and nobody else’s', async (t) => {
    const parent = await startOrigin(t)
    const proxy = await behind(t, { p: { url: parent.url, ...login } })
    const client = await proxy.connect()
    const targets = ['http://a.invalid/x?y=z', 'http://b.invalid:8080/', 'http://a.invalid?q']
    for (const target of targets) {
      client.send(plainRequest(target, 'Proxy-Authorization: Basic Ym9iOmJvYg==\r\n'))
      assert.equal((await client.reply()).status, 200)
    }
    assert.equal(parent.connections.length, 1)
    assert.deepEqual(
      parent.requests.map(({ line }) => line.split(' ')[1]),
      ['http://a.invalid/x?y=z', 'http://b.invalid:8080/', 'http://a.invalid/?q'],
    )
    for (const request of parent.requests)
      assert.equal(request.field('proxy-authorization'), `Basic ${btoa('alice:sesame')}`)
    assert.deepEqual(
      parent.requests.map((request) => request.field('host')),
      ['a.invalid', 'b.invalid:8080', 'a.invalid'],
    )
    const [line] = await proxy.logged(3)
    assert.equal(line!.endpoint, parent.url)
  })

  test('what a parent asks of us is not asked of the client', async (t) => {
    const parent = await startOrigin(
      t,
      answering(() => 'HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n'),
    )
    const proxy = await behind(t, { p: { url: parent.url } })
    const reply = await ask(proxy.port, plainRequest('http://a.invalid/'))
    assert.equal(reply.status, 502)
    assert.equal(reply.field('proxy-authenticate'), undefined)
    assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_PARENT_AUTH')
  })

  test('F8 what is known here of a host is checked before a parent is asked for it', async (t) => {
    const parent = await startOrigin(t)
    const proxy = await behind(t, { p: { url: parent.url } }, { guard: {} })
    for (const host of ['127.0.0.1', 'localhost', '10.0.0.1', '169.254.169.254', '[::1]'])
      assert.equal((await ask(proxy.port, plainRequest(`http://${host}/`))).status, 403, host)
    assert.equal(parent.connections.length, 0)
    // Which is not for the guard to say: the parent itself stands where the config says.
    assert.equal((await ask(proxy.port, plainRequest('http://a.invalid/'))).status, 200)
  })

  test('what is excepted from a parent goes straight, and so does what a rule sends there', async (t) => {
    const [parent, origin] = await Promise.all([startOrigin(t), startOrigin(t)])
    const parents = { p: { url: parent.url, except: ['localhost'] } }
    const proxy = await behind(t, parents, { rules: [{ match: { host: '127.0.0.1' }, direct: true }] })
    for (const host of ['localhost', '127.0.0.1']) await ask(proxy.port, plainRequest(`http://${host}:${origin.port}/`))
    assert.equal(parent.connections.length, 0)
    assert.equal(origin.requests.length, 2)
  })

  test('a redirected request and a WebSocket go through a tunnel of the parent', async (t) => {
    const parent = await startOrigin(t, async (connection) => {
      const head = await connection.request()
      connection.send('HTTP/1.1 200 OK\r\n\r\n')
      const inner = await connection.request()
      connection.send(ok(`${head!.line.split(' ').slice(0, 2).join(' ')}, ${inner!.line}, ${inner!.field('host')}`))
    })
    const rules = [{ match: { host: 'legacy.example' }, redirectTo: 'new.invalid:81' }]
    const proxy = await behind(t, { p: { url: parent.url } }, { rules })
    const moved = await ask(proxy.port, plainRequest('http://legacy.example/a'))
    assert.equal(moved.body, 'CONNECT new.invalid:81, GET /a HTTP/1.1, legacy.example')
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n'
    const socket = await ask(proxy.port, plainRequest('http://a.invalid/ws', upgrade))
    assert.equal(socket.body, 'CONNECT a.invalid:80, GET /ws HTTP/1.1, a.invalid')
  })

  test('H19 a parent that has closed a kept connection is asked on another', async (t) => {
    const parent = await startOrigin(t, async (connection) => {
      if ((await connection.request()) === null) return
      connection.send(ok('once'))
      await connection.request()
      connection.socket.destroy()
    })
    const proxy = await behind(t, { p: { url: parent.url } })
    const client = await proxy.connect()
    for (let time = 0; time < 3; time++) {
      client.send(plainRequest('http://a.invalid/'))
      assert.equal((await client.reply()).status, 200)
    }
    assert.equal(parent.connections.length, 3)
  })

  test('tinyproxy with a password, Squid that lets no tunnel through to this port', async (t) => {
    for (const program of ['squid', 'tinyproxy']) if (!requireProgram(t, program)) return
    const origin = await startOrigin(t)
    const [tinyproxy, squid] = await Promise.all([startTinyproxy(t, login), startSquid(t, { anyPort: false })])
    const parents: Parents = {
      tinyproxy: { url: `http://127.0.0.1:${tinyproxy.port}`, ...login },
      squid: { url: `http://127.0.0.1:${squid.port}` },
    }
    for (const name of Object.keys(parents)) {
      const proxy = await startForward(t, { default: { via: name } }, { config: { parents } })
      const client = await proxy.connect()
      for (let time = 0; time < 2; time++) {
        client.send(plainRequest(`${origin.url}/${name}`))
        const reply = await client.reply()
        assert.equal(reply.body, 'hello', `${name}: ${reply.line}`)
      }
    }
    assert.ok(tinyproxy.accessLog().some((line) => line.includes(`GET ${origin.url}/tinyproxy`)))
  })

  test('SOCKS parents, and a chain that ends in Squid', async (t) => {
    for (const program of ['squid', 'microsocks', 'danted']) if (!requireProgram(t, program)) return
    const origin = await startOrigin(t)
    const [squid, microsocks, dante] = await Promise.all([startSquid(t), startMicrosocks(t, login), startDante(t)])
    const known = {
      microsocks: { url: `socks5://127.0.0.1:${microsocks.port}`, ...login },
      dante: { url: `socks4://127.0.0.1:${dante.port}` },
      squid: { url: `http://127.0.0.1:${squid.port}` },
    }
    for (const via of [['microsocks'], ['dante'], ['microsocks', 'dante', 'squid']]) {
      const proxy = await startForward(t, { default: { via } }, { config: { parents: known } })
      const client = await proxy.connect()
      for (let time = 0; time < 2; time++) {
        client.send(plainRequest(origin.url))
        assert.equal((await client.reply()).body, 'hello', via.join())
      }
      const [, second] = await proxy.logged(2)
      assert.equal(second!.reused, true)
    }
  })
})
