import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'
import { loadConfig } from '../../src/config/load.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { testCertificate } from '../support/certificates.ts'
import { connectHead, granted, openTunnel, takeGrant } from '../support/forward/open-tunnel.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'
import { freePort, portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask } from '../support/raw-client.ts'

const run = promisify(execFile)

const closed = `import { defineMiddleware, textReply } from 'turnpike'
import { z } from 'zod'

export default defineMiddleware({
  name: 'closed',
  options: z.strictObject({}),
  create: () => ({ request: () => textReply(200, 'closed today') }),
})
`

/** Does nothing with its connections: the test does. */
function startTarget(t: TestContext): Promise<Origin> {
  return startOrigin(t, () => {})
}

describe('CONNECT', () => {
  test('F1 takes a host with a port, and nothing else', async (t) => {
    const proxy = await startForward(t)
    const targets = ['a.test', 'a.test:', 'a.test:0', 'a.test:65536', 'a.test:x', ':443', 'u@a.test:443', 'a.test:443/']
    const more = ['http://a.test:443', '/', '::1:443', '[::1]', '[::1', '[a.test]:443', 'a%2etest:443', 'a..test:443']
    for (const target of [...targets, ...more]) {
      const reply = await ask(proxy.port, connectHead('a.test:443').replace('CONNECT a.test:443', `CONNECT ${target}`))
      assert.equal(reply.status, 400, target)
      assert.match(reply.body, /ERR_CONNECT_TARGET|ERR_REQUEST_LINE/, target)
    }
    assert.equal(proxy.turnpike.services.ledger.snapshot().dials.total, 0)
  })

  test('F1 refuses a body, by length or in chunks', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    for (const fields of ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const client = await proxy.connect()
      client.send(`${connectHead(`127.0.0.1:${target.port}`, fields)}hello`)
      const reply = await client.reply()
      assert.equal(reply.status, 400, fields)
      assert.match(reply.body, /ERR_CONNECT_TARGET/)
      await client.over()
    }
    const client = await proxy.connect()
    client.send(connectHead(`127.0.0.1:${target.port}`, 'Content-Length: 0\r\n'))
    await takeGrant(client)
    assert.equal(target.connections.length, 1)
  })

  test('F1 reaches IPv6 addresses in brackets, and names', async (t) => {
    const server = createServer((socket) => void socket.on('error', () => {}).end('six'))
    server.listen(0, '::1')
    await once(server, 'listening')
    t.after(() => server.close())
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(connectHead(`[::1]:${portOf(server)}`))
    await takeGrant(client)
    await client.until(({ ended }) => ended, 'the end')
    assert.equal(client.text, 'six')
    client.end()
    await proxy.logged(1)
    assert.equal(proxy.log[0]!.endpoint, `[::1]:${portOf(server)}`)

    const named = await openTunnel(proxy, target, 'localhost')
    named.client.send('by name')
    await named.server.until(({ text }) => text === 'by name', 'bytes')
  })

  test('F1 is refused by gateways', async (t) => {
    const gateway = await startGateway(t, { to: [1] })
    const client = await gateway.connect()
    client.send(connectHead('a.test:443'))
    const reply = await client.reply()
    assert.equal(reply.status, 405)
    assert.match(reply.body, /ERR_CONNECT_NOT_ALLOWED/)
    await client.over()
  })

  test('F2 is granted when the target is connected and not before, without framing fields', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t, { timeouts: { connect: '300ms' } })
    const waiting = await proxy.connect()
    waiting.send(connectHead(`127.0.0.1:${await startBlackHole(t)}`))
    const late = await waiting.reply()
    assert.equal(late.status, 504)
    assert.match(late.field('proxy-status') ?? '', /connection_timeout/)
    await waiting.over()

    const refused = await ask(proxy.port, connectHead(`127.0.0.1:${await freePort()}`))
    assert.equal(refused.status, 502)
    assert.match(refused.field('proxy-status') ?? '', /connection_refused/)

    const { client } = await openTunnel(proxy, target)
    assert.equal(client.text, '', 'the grant is its status line and the empty line')
    assert.doesNotMatch(granted, /content-length|transfer-encoding/i)
  })

  test('F2 closes where it is refused, and takes nothing behind it for a request', async (t) => {
    const target = await startOrigin(
      t,
      answering(() => ok('reached')),
    )
    const users = { alice: 'wonderland' }
    const proxy = await startForward(t, {
      auth: { basic: { users } },
      rules: [{ match: { host: 'denied.test' }, deny: true }],
    })
    const authorized = `Proxy-Authorization: Basic ${Buffer.from('alice:wonderland').toString('base64')}\r\n`
    const smuggled = `GET http://127.0.0.1:${target.port}/ HTTP/1.1\r\nHost: x\r\n${authorized}\r\n`
    for (const [head, status] of [
      [connectHead('denied.test:443', authorized), 403],
      [connectHead(`127.0.0.1:${target.port}`), 407],
      [connectHead(`127.0.0.1:${await freePort()}`, authorized), 502],
    ] as const) {
      const client = await proxy.connect()
      client.send(head + smuggled)
      const reply = await client.reply()
      assert.equal(reply.status, status)
      assert.equal(reply.field('connection'), 'close')
      assert.equal(await client.over(), 'end')
      assert.equal(client.text, '')
    }
    assert.equal(target.connections.length, 0)
  })

  test('F2 a middleware that answers 200 in its place grants nothing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-connect-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'closed.ts'), closed)
    await writeFile(
      join(folder, 'turnpike.yaml'),
      `listeners: { web: { address: "127.0.0.1:0", door: forward, use: [./closed.ts] } }
forward: {}
admin: off
log: { access: off }
`,
    )
    const turnpike = await Turnpike.start(await loadConfig('turnpike.yaml', { cwd: folder, env: {} }))
    t.after(() => turnpike.stop(0))
    const bound = turnpike.addresses.get('web')!
    const port = bound.kind === 'tcp' ? bound.port : 0
    // To gRPC an error is a 200 as well.
    for (const fields of ['', 'Content-Type: application/grpc\r\n']) {
      const reply = await ask(port, connectHead('a.test:443', fields))
      assert.equal(reply.status, 405)
      assert.match(reply.body, /ERR_CONNECT_NOT_ALLOWED/)
    }
    assert.equal(turnpike.services.ledger.snapshot().dials.total, 0)
  })

  test('F3 bytes that came with the head reach the tunnel, at any split', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const bytes = `${connectHead(`127.0.0.1:${target.port}`)}early`
    for (let split = 1; split < bytes.length; split += 3) {
      const client = await proxy.connect()
      client.send(bytes.slice(0, split))
      await new Promise((resolve) => setImmediate(resolve))
      client.send(bytes.slice(split))
      await takeGrant(client)
      const server = await target.connection(target.connections.length === 0 ? 0 : target.connections.length - 1)
      await server.until(({ text }) => text === 'early', `the early bytes, split at ${split}`)
      server.send('reply')
      await client.until(({ text }) => text === 'reply', 'the reply')
      client.reset()
    }
  })

  test("F3 F7 nothing is sent to a parent before its 2xx, and what comes behind that is the tunnel's", async (t) => {
    const parent = await startOrigin(t, async (connection) => {
      await connection.until(({ text }) => text.includes('\r\n\r\n'), 'CONNECT')
      connection.text = connection.text.slice(connection.text.indexOf('\r\n\r\n') + 4)
    })
    const proxy = await startForward(
      t,
      { default: { via: 'above' } },
      { config: { parents: { above: { url: `http://127.0.0.1:${parent.port}` } } } },
    )
    const client = await proxy.connect()
    client.send(`${connectHead('ssh.test:22')}SSH-2.0-client`)
    const above = await parent.connection(0)
    await above.until(({ total }) => total > 0, 'CONNECT')
    // Turns enough for bytes that were sent too early to be here.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(above.text, '')
    assert.equal(client.text, '')
    above.send('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-server')
    await takeGrant(client)
    await client.until(({ text }) => text === 'SSH-2.0-server', 'the greeting behind the 2xx')
    await above.until(({ text }) => text === 'SSH-2.0-client', 'the bytes behind the head')
    client.end()
    above.end()
    await proxy.logged(1)
    assert.equal(proxy.log[0]!.endpoint, 'ssh.test:22')
  })

  test('F3 curl and openssl tunnel through it', async (t) => {
    if (!requireProgram(t, 'curl', 'openssl')) return
    const target = await startOrigin(
      t,
      answering(() => ok('through')),
    )
    const proxy = await startForward(t)
    const url = `http://localhost:${target.port}/`
    const { stdout } = await run('curl', ['-sS', '-p', '-x', `http://127.0.0.1:${proxy.port}`, url, url])
    assert.equal(stdout, 'throughthrough')
    assert.equal(target.connections.length, 1)
    await proxy.logged(1)
    const { method, status } = proxy.log[0]!
    assert.deepEqual({ method, status }, { method: 'CONNECT', status: 200 })

    const { cert, key } = testCertificate({ subject: 'localhost', names: ['DNS:localhost'] })
    const secured = createTlsServer({ cert, key }, (socket) => void socket.on('error', () => {}).end('by TLS\n'))
    secured.listen(0, '127.0.0.1')
    await once(secured, 'listening')
    t.after(() => secured.close())
    const at = `localhost:${portOf(secured)}`
    const client = run('openssl', ['s_client', '-quiet', '-proxy', `127.0.0.1:${proxy.port}`, '-connect', at])
    client.child.stdin?.end()
    assert.equal((await client.catch((failed: { stdout: string }) => failed)).stdout, 'by TLS\n')
  })
})
