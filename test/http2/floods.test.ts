import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import test, { type TestContext } from 'node:test'
import { startBlackHole } from '../support/black-hole.ts'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import {
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FramePeer,
  frame,
  get,
  headerBlock,
  request,
  settings,
  uint32,
} from '../support/http2-frames.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'

const INITIAL_WINDOW_SIZE = 4
const REFUSED_STREAM = 7
const CANCEL = 8
const CANCELLED = uint32(CANCEL)

interface Target {
  gateway: TestGateway
  origin: Origin
  /** Another client, on a connection of its own. */
  neighbour: ClientHttp2Session
}

async function target(
  t: TestContext,
  listener: GatewayOptions['listener'] = {},
  reply = (): string | Promise<string> => ok('hello'),
): Promise<Target> {
  const origin = await startOrigin(t, answering(reply))
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true, ...listener } })
  const neighbour = await connectHttp2(t, gateway.port)
  return { gateway, origin, neighbour }
}

/** Whoever is attacked goes on serving others. */
async function unharmed({ neighbour }: Target): Promise<void> {
  assert.equal((await askHttp2(neighbour)).status, 200)
}

test('rapid reset: a client that resets what it asks for is told to calm down, and cut', async (t) => {
  const never = new Promise<string>(() => {})
  let isAttack = true
  const attacked = await target(t, {}, () => (isAttack ? never : ok('hello')))
  for (const together of [true, false]) {
    const client = await FramePeer.connect(attacked.gateway.port)
    for (let stream = 1; stream < 2000; stream += 2) {
      client.send(get(stream), frame('rstStream', 0, stream, CANCELLED))
      // In packets of their own: each becomes an exchange before it is reset.
      if (!together && stream % 20 === 1) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(await client.goawayCode(), ENHANCE_YOUR_CALM)
  }
  await attacked.gateway.when(() => attacked.gateway.count('exchanges') === 0, 'no exchange to be left')
  assert.ok(attacked.gateway.log.length < 500, `${attacked.gateway.log.length} exchanges`)
  isAttack = false
  await unharmed(attacked)
})

test('streams that a client makes us reset count as well (CVE-2025-8671)', async (t) => {
  let isAttack = true
  const attacked = await target(t, {}, () => (isAttack ? new Promise<string>(() => {}) : ok('hello')))
  const client = await FramePeer.connect(attacked.gateway.port)
  for (let stream = 1; stream < 2000; stream += 2) {
    // RFC 9113 §6.9: an increment of 0 is a stream error.
    client.send(get(stream), frame('windowUpdate', 0, stream, uint32(0)))
  }
  assert.notEqual(await client.goawayCode(), 0)
  isAttack = false
  await unharmed(attacked)
})

test('floods of PING and SETTINGS are answered with GOAWAY', async (t) => {
  const attacked = await target(t)
  const pings = await FramePeer.connect(attacked.gateway.port)
  for (let count = 0; count < 500; count++) pings.send(frame('ping', 0, 0, Buffer.alloc(8)))
  assert.equal(await pings.goawayCode(), ENHANCE_YOUR_CALM)
  const changes = await FramePeer.connect(attacked.gateway.port)
  for (let count = 0; count < 500; count++) changes.send(settings([INITIAL_WINDOW_SIZE, 1000 + count]))
  assert.equal(await changes.goawayCode(), ENHANCE_YOUR_CALM)
  await unharmed(attacked)
})

test('a client may ping while data flows', async (t) => {
  const attacked = await target(t)
  const client = await FramePeer.connect(attacked.gateway.port)
  for (let round = 0; round < 10; round++) {
    for (let count = 0; count < 50; count++) client.send(frame('ping', 0, 0, Buffer.alloc(8)))
    const stream = round * 2 + 1
    client.send(get(stream))
    await client.first('data', stream)
  }
  assert.equal(client.peer.closed, false)
  client.peer.socket.destroy()
})

test('H11 header bombs: lists, blocks and CONTINUATION without an end are bounded', async (t) => {
  const attacked = await target(t)
  const many = Array.from({ length: 150 }, (_, at): [string, string] => [`x-${at}`, 'v'])
  const moderate = await FramePeer.connect(attacked.gateway.port)
  moderate.send(get(1, many))
  await moderate.first('data', 1)
  assert.deepEqual(
    [(await attacked.gateway.logged(1))[0]!.status, attacked.gateway.log[0]!.cause],
    [431, 'ERR_HEAD_TOO_LARGE'],
  )

  // A table entry of 3 KB, asked for again by one byte each (RFC 7541 §6.1).
  const bomb = Buffer.concat([
    headerBlock(request()),
    Buffer.from([0x40, 1, 0x78, 0x7f, 0xb9, 0x16]),
    Buffer.alloc(3000, 'a'),
    Buffer.alloc(8000, 0xbe),
  ])
  moderate.send(frame('headers', END_HEADERS | END_STREAM, 3, bomb))
  assert.equal((await moderate.first('rstStream', 3)).payload.readUInt32BE(0), ENHANCE_YOUR_CALM)
  moderate.peer.socket.destroy()

  const endless = await FramePeer.connect(attacked.gateway.port)
  endless.send(frame('headers', END_STREAM, 1, headerBlock(request())))
  for (let count = 0; count < 2000; count++) {
    endless.send(frame('continuation', 0, 1, headerBlock([[`x-${count}`, 'v'.repeat(1000)]])))
  }
  assert.notEqual(await endless.goawayCode(), 0)
  await unharmed(attacked)
})

test('DATA frames without data, and frames that are malformed, end the connection', async (t) => {
  const attacked = await target(t)
  const empty = await FramePeer.connect(attacked.gateway.port)
  empty.send(frame('headers', END_HEADERS, 1, headerBlock(request('POST'))))
  for (let count = 0; count < 2000; count++) empty.send(frame('data', 0, 1))
  assert.notEqual(await empty.goawayCode(), 0)
  for (const bytes of [
    Buffer.alloc(1000, 0xff),
    frame('ping', 0, 0, [1]),
    frame('headers', END_HEADERS, 2, headerBlock(request())),
    frame('data', 0, 1, [1]),
    frame('headers', END_HEADERS, 1, [0xff, 0xff, 0xff, 0xff, 0xff]),
  ]) {
    const client = await FramePeer.connect(attacked.gateway.port)
    client.send(bytes)
    assert.notEqual(await client.goawayCode(), 0)
  }
  await unharmed(attacked)
})

test('DATA frames of one byte, to a taker that is not there yet, do not fill the memory', async (t) => {
  const hole = await startBlackHole(t)
  const gateway = await startGateway(t, { to: [hole], listener: { http2: true } })
  const client = await FramePeer.connect(gateway.port)
  const crumb = frame('data', 0, 1, [1])
  client.send(frame('headers', END_HEADERS, 1, headerBlock(request('POST'))))
  client.send(...Array.from({ length: 20_000 }, () => crumb))
  assert.equal((await client.first('rstStream', 1)).payload.readUInt32BE(0), ENHANCE_YOUR_CALM)
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_HTTP2_FLOOD')
  client.peer.socket.destroy()
})

test('more streams than are allowed are refused, for the client to ask again', async (t) => {
  let answer = Promise.withResolvers<string>()
  const attacked = await target(t, {}, () => answer.promise)
  const client = await FramePeer.connect(attacked.gateway.port)
  for (let stream = 1; stream <= 203; stream += 2) client.send(get(stream))
  assert.equal((await client.first('rstStream', 201)).payload.readUInt32BE(0), REFUSED_STREAM)
  await attacked.gateway.when(() => attacked.origin.connections.length > 50, 'requests at the origin')
  assert.ok(attacked.gateway.count('exchanges') <= 100)
  answer.resolve(ok('late'))
  await client.first('data', 1)
  client.peer.socket.destroy()
  answer = Promise.withResolvers()
  answer.resolve(ok('hello'))
  await unharmed(attacked)
})

test('H25 a client that never opens its window is cut by the timer stall, and holds no memory meanwhile', async (t) => {
  const large = 'x'.repeat(4_000_000)
  const attacked = await target(t, { timeouts: { stall: '300ms' } }, () => ok(large))
  const client = await FramePeer.connect(attacked.gateway.port, [INITIAL_WINDOW_SIZE, 0])
  for (let stream = 1; stream < 40; stream += 2) client.send(get(stream))
  const reset = await client.first('rstStream', 39)
  assert.equal(reset.payload.readUInt32BE(0), CANCEL)
  await attacked.gateway.logged(20)
  const taken = Math.max(...attacked.gateway.log.map(({ bytesOut }) => bytesOut))
  assert.ok(taken < 200_000, `${taken} bytes of a reply are held for a client that takes none`)
  assert.deepEqual([...new Set(attacked.gateway.log.map(({ cause }) => cause))], ['ERR_CLIENT_STALL'])
  client.peer.socket.destroy()
})

test('H25 a client that reads nothing of its connection is cut by the timer stall', async (t) => {
  const large = 'x'.repeat(8_000_000)
  const attacked = await target(t, { timeouts: { stall: '300ms', idle: '300ms' } }, () => ok(large))
  const client = await FramePeer.connect(attacked.gateway.port, [INITIAL_WINDOW_SIZE, 2 ** 31 - 1])
  client.peer.socket.pause()
  client.send(frame('windowUpdate', 0, 0, uint32(2 ** 30)), get(1), get(3))
  await attacked.gateway.logged(2)
  assert.deepEqual([...new Set(attacked.gateway.log.map(({ cause }) => cause))], ['ERR_CLIENT_STALL'])
  attacked.neighbour.destroy()
  await attacked.gateway.when(() => attacked.gateway.count('clientSockets') === 0, 'the connection to be cut')
})

test('H25 a body that does not come is answered with 408, a head that does not come with silence', async (t) => {
  const attacked = await target(t, { timeouts: { head: '200ms', bodyProgress: '1KiB/200ms' } })
  const slow = await FramePeer.connect(attacked.gateway.port)
  slow.send(frame('headers', END_HEADERS, 1, headerBlock(request('POST'))), frame('data', 0, 1, Buffer.alloc(10)))
  const [line] = await attacked.gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause], [408, 'ERR_BODY_TIMEOUT'])
  await slow.first('data', 1)
  // RFC 9113 §8.1: the rest is not wanted.
  assert.equal((await slow.first('rstStream', 1)).payload.readUInt32BE(0), 0)
  slow.peer.socket.destroy()
  const silent = await FramePeer.connect(attacked.gateway.port)
  assert.equal(await silent.goawayCode(), 0)
  assert.equal((await askHttp2(await connectHttp2(t, attacked.gateway.port))).status, 200)
})
