import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectNet, type Socket } from 'node:net'
import test from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { HttpServer } from '../../src/engine/http1/http-server.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { Session } from '../../src/engine/session.ts'
import { CidrSet } from '../../src/core/address.ts'
import { Headers } from '../../src/core/headers.ts'
import { noBody } from '../../src/engine/body.ts'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { ask, get } from '../support/raw-client.ts'
import { RawPeer } from '../support/raw-peer.ts'

const a = testCertificate({ subject: 'a.test', names: ['DNS:a.test', 'DNS:also-a.test'] })
const b = testCertificate({ subject: 'b.test', names: ['DNS:b.test'] })

function listenerTls() {
  return { certificates: [a, b].map(({ certFile, keyFile }) => ({ cert: certFile, key: keyFile })) }
}

async function connectTls(port: number, servername: string): Promise<RawPeer & { socket: TLSSocket }> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
  const peer = new RawPeer(socket)
  await once(socket, 'secureConnect')
  return Object.assign(peer, { socket })
}

const to = (host: string, fields = ''): string => get(fields).replace('a.test', host)

test('H26 a Host of another trust domain than the handshake’s: 421, and the connection lives', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls: listenerTls() } })
  const client = await connectTls(gateway.port, 'a.test')
  t.after(() => client.socket.destroy())
  for (const [request, status] of [
    [to('a.test'), 200],
    [to('b.test'), 421],
    [to('ALSO-A.test:443'), 200],
    // The absolute form is what counts.
    ['GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 421],
  ] as const) {
    client.send(request)
    assert.equal((await client.reply()).status, status, request)
  }
  assert.equal(origin.requests.length, 2)
  assert.equal(gateway.log[1]!.cause, 'ERR_MISDIRECTED')
  const other = await connectTls(gateway.port, 'b.test')
  t.after(() => other.socket.destroy())
  other.send(to('b.test'))
  assert.equal((await other.reply()).status, 200)
  assert.equal(origin.requests.at(-1)!.field('x-forwarded-proto'), 'https')
})

test('H26 a connection accepted under other security settings is closed at its next request', async (t) => {
  const engine = createEngine({
    world: realWorld(),
    pseudonym: 'edge',
    observer: { routed() {}, finished() {} },
  })
  let settings = 'before'
  const server = new HttpServer(
    engine,
    { handle: (exchange) => exchange.reply({ status: 204, headers: new Headers(), body: noBody }) },
    {
      timeouts: { headMs: 5_000, idleMs: 5_000, bodyProgress: null, stallMs: 5_000 },
      limits: { headBytes: 8_192, headerCount: 100, targetBytes: 1_024 },
      trustedProxies: new CidrSet([]),
      security: () => ({ settings, serves: () => true }),
    },
  )
  const bound = Promise.withResolvers<void>()
  const listening = engine.world.listen(
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    {
      ready: bound.resolve,
      failed: assert.fail,
      accept(socket) {
        const tls = { version: 'TLSv1.3', sni: 'a.test', domain: 'a.test', clientCertificate: '', settings: 'before' }
        const facts = { listener: 'web', clientAddress: '127.0.0.1', clientPort: 1, peerAddress: '127.0.0.1' }
        server.accept(socket, new Session({ ...facts, localAddress: '127.0.0.1', localPort: 1, tls }))
      },
    },
  )
  t.after(() => {
    server.cut()
    listening.close(() => {})
  })
  await bound.promise
  const address = listening.address()
  const client = new RawPeer(connectNet(address.kind === 'tcp' ? address.port : 0, '127.0.0.1'))
  t.after(() => client.socket.destroy())
  client.send(get())
  assert.equal((await client.reply()).status, 204)
  settings = 'client certificates are needed now'
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.field('connection')], [421, 'close'])
  assert.equal(await client.over(), 'end')
})

test('H8 a TLS connection that ends without close_notify cuts a reply of known length or chunks', async (t) => {
  for (const head of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
    let raw: Socket | undefined
    const secure = createServer({ cert: a.cert, key: a.key }, (socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nhello\r\n`.slice(0, -2), () => raw!.end())
      })
    })
    secure.on('connection', (socket: Socket) => (raw = socket))
    secure.listen(0, '127.0.0.1')
    await once(secure, 'listening')
    t.after(() => {
      secure.close()
      raw?.destroy()
    })
    const gateway = await startGateway(t, {
      to: [`https://127.0.0.1:${portOf(secure)}`],
      upstream: { tls: { verify: false } },
    })
    const client = await gateway.connect()
    client.send(get())
    await client.until(({ closed }) => closed, 'the cut')
    assert.equal(client.error?.code, 'ECONNRESET')
    assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_UPSTREAM_TRUNCATED')
  }
})

test('H21 a large reply through TLS on both sides arrives whole', async (t) => {
  const body = 'abcdefghij'.repeat(1_000_000)
  const inner = await startOrigin(
    t,
    answering(() => ok(body)),
  )
  const second = await startGateway(t, { to: [inner.port], listener: { tls: listenerTls() } })
  const first = await startGateway(t, {
    to: [`https://127.0.0.1:${second.port}`],
    upstream: { tls: { ca: a.certFile, serverName: 'a.test' } },
  })
  const reply = await ask(first.port, get())
  assert.ok(reply.body === body)
})
