import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test, { type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { get } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const websocket =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

async function startEcho(t: TestContext): Promise<number> {
  const server = createServer()
  const sockets = new WebSocketServer({ server, maxPayload: 64 << 20 })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
  })
  return portOf(server)
}

/** A tunnel, both raw ends of it. */
async function openTunnel(t: TestContext, stall = '60s') {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send(switching)
  })
  const gateway = await startGateway(t, { to: [origin.port], upstream: { timeouts: { stall } } })
  const client = await gateway.connect()
  client.send(get(websocket))
  const reply = await client.reply()
  assert.equal(reply.status, 101)
  return { gateway, client, origin: origin.connections[0]! }
}

test('H16 a WebSocket: text, binary, a megabyte each way, and its close', async (t) => {
  const gateway = await startGateway(t, { to: [await startEcho(t)] })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat`)
  await once(socket, 'open')
  assert.equal(gateway.count('tunnels'), 1)
  const large = randomBytes(1 << 20)
  for (let at = 0; at < 8; at++) {
    socket.send(large)
    const [data]: Buffer[] = await once(socket, 'message')
    assert.ok(large.equals(data!))
  }
  socket.send('hello')
  const [text]: Buffer[] = await once(socket, 'message')
  assert.equal(text!.toString(), 'hello')
  socket.close(4001, 'bye')
  const [code]: number[] = await once(socket, 'close')
  assert.equal(code, 4001)
  const [line] = await gateway.logged(1)
  assert.deepEqual(
    [line!.status, line!.cause, line!.bytesIn > 8 << 20, line!.bytesOut > 8 << 20],
    [101, undefined, true, true],
  )
  assert.equal(gateway.count('tunnels'), 0)
})

test('H16 Upgrade is sent on and answered as this hop’s own', async (t) => {
  const origin = await startOrigin(t, async (connection, { requests }) => {
    requests.push((await connection.request())!)
    connection.send(switching)
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get(websocket))
  const reply = await client.reply()
  const [request] = origin.requests
  assert.deepEqual([request!.field('connection'), request!.field('upgrade')], ['upgrade', 'websocket'])
  assert.deepEqual([reply.status, reply.field('connection'), reply.field('upgrade')], [101, 'upgrade', 'websocket'])
})

test('H16 no upgrade on a route that has it off, nor to a protocol that is not allowed, nor for a 1.0 client', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    config: {
      gateway: {
        routes: [
          { name: 'plain', match: { path: '/plain' }, to: 'app', upgrade: 'off' },
          { name: 'all', to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  const client = await gateway.connect()
  client.send(get(websocket, '/plain'))
  assert.equal((await client.reply()).status, 200)
  client.send(get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n'))
  assert.equal((await client.reply()).status, 200)
  client.send(get('Upgrade: websocket\r\n', '/unnamed'))
  assert.equal((await client.reply()).status, 200)
  client.send(`GET / HTTP/1.0\r\n${websocket}\r\n`)
  assert.equal((await client.reply()).status, 200)
  assert.equal(origin.requests.length, 4)
  for (const request of origin.requests) {
    assert.deepEqual([request.field('upgrade'), request.field('connection')], [undefined, undefined])
  }
})

test('H16 a 101 that nobody asked for: 502', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => `${switching}${ok('smuggled')}`),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  assert.equal((await client.reply()).status, 502)
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause], [502, 'ERR_UPSTREAM_UPGRADE'])
})

test('H16 a request body sent before the 101 is a body, and never tunnel bytes', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    const request = await connection.request()
    assert.equal(request!.body, 'hello')
    connection.send(switching)
    await connection.until(({ text }) => text === 'tunnelled', 'the tunnel')
    connection.send('back')
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`${get(`${websocket}Content-Length: 5\r\n`)}hellotunnelled`)
  assert.equal((await client.reply()).status, 101)
  await client.until(({ text }) => text === 'back', 'the tunnel')
})

test('H16 a 101 in the middle of the request’s body: 502', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('hel'), 'a part of the body')
    connection.send(switching)
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`${get(`${websocket}Content-Length: 5\r\n`)}hel`)
  assert.equal((await client.reply()).status, 502)
  client.send('lo')
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_UPSTREAM_UPGRADE')
})

test('H16 what the client sends before the 101 waits for it, and arrives after it', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    await new Promise((resolve) => setTimeout(resolve, 50))
    // Bytes that were sent ahead have not come: they might have been a request.
    assert.ok(connection.text.endsWith('\r\n\r\n'))
    connection.text = ''
    connection.send(`${switching}first`)
    await connection.until(({ text }) => text === 'ahead', 'the bytes')
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`${get(websocket)}ahead`)
  assert.equal((await client.reply()).status, 101)
  await client.until(({ text }) => text === 'first', 'the bytes that came with the 101')
  await origin.connections[0]!.until(({ text }) => text === 'ahead', 'the bytes that were sent ahead')
})

test('H16 a client that ends behind what it sent ahead: its end comes after it', async (t) => {
  const go = Promise.withResolvers<void>()
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    await go.promise
    connection.send(switching)
    await connection.until(({ text, ended }) => text === 'ahead' && ended, 'the bytes and the end')
    connection.send('answer')
    connection.end()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`${get(websocket)}ahead`)
  client.end()
  await origin.connection(0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  go.resolve()
  assert.equal((await client.reply()).status, 101)
  await client.until(({ text, ended }) => text === 'answer' && ended, 'the answer')
  assert.equal((await gateway.logged(1))[0]!.cause, undefined)
})

test('H16 what a client sends ahead of a refused upgrade is its next request', async (t) => {
  const origin = await startOrigin(
    t,
    answering(({ line }) => ok(line)),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get(websocket) + get('', '/next'))
  assert.equal((await client.reply()).body, 'GET / HTTP/1.1')
  assert.equal((await client.reply()).body, 'GET /next HTTP/1.1')
})

test('H16 each side’s end travels on its own', async (t) => {
  const { gateway, client, origin } = await openTunnel(t)
  client.send('question')
  client.end()
  await origin.until(({ ended, text }) => ended && text === 'question', 'the client’s end')
  origin.send('answer')
  await client.until(({ text }) => text === 'answer', 'the answer after it')
  origin.end()
  assert.equal(await client.over(), 'end')
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause, line!.bytesIn, line!.bytesOut], [101, undefined, 8, 6])
})

for (const [side, cause] of [
  ['client', 'ERR_CLIENT_ABORT'],
  ['origin', 'ERR_UPSTREAM_ABORT'],
] as const) {
  test(`H16 a reset of the ${side} ends the tunnel with a reset: what came is not the whole`, async (t) => {
    const tunnel = await openTunnel(t)
    const other: RawPeer = side === 'client' ? tunnel.origin : tunnel.client
    tunnel[side].send('part')
    await other.until(({ text }) => text === 'part', 'the bytes')
    tunnel[side].reset()
    assert.equal(await other.over(), 'reset')
    const [line] = await tunnel.gateway.logged(1)
    assert.deepEqual([line!.status, line!.cause, line!.phase], [101, cause, 'tunnel'])
  })
}

test('H16 a tunnel in which nothing moves ends by the stall timer', async (t) => {
  const { gateway, client } = await openTunnel(t, '150ms')
  await client.until(({ ended, closed }) => ended || closed, 'the end')
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause, line!.phase], [101, 'ERR_STALL_TIMEOUT', 'tunnel'])
})

test('H21 a tunnel’s slow reader stops its fast writer, and gets every byte', async (t) => {
  const { client, origin } = await openTunnel(t)
  const size = 64 << 20
  client.socket.pause()
  origin.send(Buffer.alloc(size, 'abcdefg'))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { writableLength } = origin.socket
  assert.ok(writableLength > size / 2, `${writableLength} bytes of ${size} were not taken`)
  let sum = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += 4_093) assert.equal(chunk[at], 0x61 + ((sum + at) % 7))
    sum += chunk.length
    if (sum === size) client.socket.emit('whole')
  })
  client.socket.resume()
  await once(client.socket, 'whole')
})
