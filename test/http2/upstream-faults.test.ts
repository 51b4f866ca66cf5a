import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants } from 'node:http2'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { echoing, startHttp2Endpoint, type Http2Script } from '../support/http2-endpoint.ts'
import { startOrigin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'
import { emptySettings, END_STREAM, frame, frameType, number, okHead, startFrames } from './frames.ts'

const upstream = { http2: true }
const hello = (stream: number): string => okHead(stream) + frame(frameType.data, END_STREAM, stream, 'hello')
const reset = (stream: number, code: number): string => frame(frameType.rstStream, 0, stream, number(code))
const goaway = (last: number, code = 0): string => frame(frameType.goaway, 0, 0, number(last) + number(code))
const allowing = (streams: number): string => frame(frameType.settings, 0, 0, `\0\x03${number(streams)}`)

test('GOAWAY in the middle: what was accepted ends well, what comes next goes by another connection', async (t) => {
  const endpoint = await startFrames(t, (stream, _connection, index) =>
    index > 0 ? hello(stream) : okHead(stream) + goaway(stream) + frame(frameType.data, 0, stream, 'he'),
  )
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  client.send(get())
  await client.until(({ text }) => text.includes('he\r\n'), 'the first half')
  assert.equal((await ask(gateway.port, get())).body, 'hello')
  const first = await endpoint.connection(0)
  first.send(frame(frameType.data, END_STREAM, 1, 'llo'))
  assert.equal((await client.reply()).body, 'hello')
  assert.equal(endpoint.connections.length, 2)
  // Nothing is left to do on it.
  await first.until(({ ended }) => ended, 'the connection to end')
})

test('RFC 9113 §6.8 a stream above the last one of a GOAWAY was not acted on, and is sent again', async (t) => {
  for (const code of [0, 2]) {
    const endpoint = await startFrames(t, (stream, _connection, index) =>
      index > 0 || stream === 1 ? hello(stream) : goaway(1, code),
    )
    const gateway = await startGateway(t, { to: [endpoint.port], upstream })
    assert.equal((await ask(gateway.port, get())).body, 'hello')
    // Not idempotent, and yet safe.
    assert.equal(
      (await ask(gateway.port, 'PATCH / HTTP/1.1\r\nHost: a.test\r\n\r\n', 'PATCH')).body,
      'hello',
      `code ${code}`,
    )
    assert.equal(gateway.log[1]!.attempts, 2)
  }
})

test('RFC 9113 §8.7 a refused stream is sent again with its body, while all of that is at hand', async (t) => {
  let refusals = 1
  const endpoint = await startFrames(t, (stream) => (refusals-- > 0 ? reset(stream, 7) : hello(stream)))
  const gateway = await startGateway(t, { to: [endpoint.port, endpoint.port], upstream })
  assert.equal((await ask(gateway.port, get())).body, 'hello')
  assert.equal(gateway.log[0]!.attempts, 2)
  refusals = 1
  assert.equal((await ask(gateway.port, post('a body'), 'POST')).body, 'hello')
  const [first] = endpoint.connections
  assert.equal(first!.text, '')
  assert.deepEqual([gateway.log[1]!.attempts, gateway.log[1]!.bytesIn], [2, 6])
})

test('a refused stream whose body was too large to keep is an error, not half a body', async (t) => {
  const bodies: number[] = []
  const endpoint = await startHttp2Endpoint(t, (stream, _fields, _raw, index) => {
    bodies[index] = 0
    stream.on('data', (chunk: Buffer) => {
      bodies[index]! += chunk.length
      if (index === 0 && bodies[0]! > 100_000) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    })
    stream.on('end', () => stream.respond({}, { endStream: true }))
  })
  const gateway = await startGateway(t, { to: [endpoint.port, endpoint.port], upstream })
  assert.equal((await ask(gateway.port, post('x'.repeat(300_000)), 'POST')).status, 502)
  assert.equal((await ask(gateway.port, post('x'.repeat(300_000)), 'POST')).status, 200)
  assert.deepEqual([gateway.log[0]!.cause, bodies[1]], ['ERR_UPSTREAM_CLOSED', 300_000])
})

test('where the endpoint allows one stream, a second connection is made, up to pool.max', async (t) => {
  const held: number[] = []
  const endpoint = await startFrames(t, (stream) => (held.push(stream), ''), allowing(1))
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, pool: { max: 2 } } })
  const replies = [1, 2, 3].map(() => ask(gateway.port, get()))
  await gateway.when(() => held.length === 2 && gateway.count('poolWaiters') === 1, 'two streams and a waiter')
  endpoint.connections[0]!.send(hello(1))
  await gateway.when(() => held.length === 3, 'the third on the place of the first')
  endpoint.connections[0]!.send(hello(3))
  endpoint.connections[1]!.send(hello(1))
  for (const reply of await Promise.all(replies)) assert.equal(reply.body, 'hello')
  assert.equal(endpoint.connections.length, 2)
})

test('an exchange for which there is no room in time is told so', async (t) => {
  const endpoint = await startFrames(t, () => '', allowing(1))
  const gateway = await startGateway(t, {
    to: [endpoint.port],
    upstream: { ...upstream, pool: { max: 1 }, timeouts: { connect: '60ms' } },
  })
  const client = await gateway.connect()
  client.send(get())
  await gateway.when(() => gateway.count('upstreamStreams') === 1, 'the first')
  assert.equal((await ask(gateway.port, get())).status, 503)
  assert.equal(gateway.log[0]!.cause, 'ERR_POOL_EXHAUSTED')
})

test('an endpoint that allows no streams keeps nobody waiting for ever, and is not flooded with connections', async (t) => {
  const endpoint = await startFrames(t, () => '', allowing(0))
  const gateway = await startGateway(t, {
    to: [endpoint.port],
    upstream: { ...upstream, timeouts: { connect: '60ms' } },
  })
  assert.equal((await ask(gateway.port, get())).status, 503)
  assert.equal(endpoint.connections.length, 1)
})

const bigOrSmall: Http2Script = (stream, fields) => {
  stream.respond({})
  stream.end(fields[':path'] === '/big' ? Buffer.alloc(30_000_000) : 'small')
}

test('a reader that stands still holds up its own stream alone', async (t) => {
  // Or the endpoint itself would refuse streams beside one that holds so much.
  const endpoint = await startHttp2Endpoint(t, bigOrSmall, { maxSessionMemory: 100 })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const still = await gateway.connect()
  still.socket.pause()
  still.send(get('', '/big'))
  const big = await endpoint.stream(0)
  const small = Array.from({ length: 20 }, async () => (await ask(gateway.port, get())).body)
  assert.deepEqual(new Set(await Promise.all(small)), new Set(['small']))
  assert.equal(endpoint.sessions.length, 1)
  assert.ok(!big.closed && big.writableLength > 0, 'the endpoint was told to wait')
  still.socket.destroy()
  await once(big, 'close')
})

test('H25 an endpoint that takes nothing of a body runs into the stall timer', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream) => stream.pause())
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, timeouts: { stall: '80ms' } } })
  const client = await gateway.connect()
  client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000000\r\n\r\n`)
  client.send(Buffer.alloc(5_000_000))
  assert.equal((await client.reply('POST')).status, 504)
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_STALL_TIMEOUT')
  const stream = await endpoint.stream(0)
  if (!stream.closed) await once(stream, 'close')
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL)
})

test('H25 an endpoint that says nothing runs into firstByte, one that stops half way into stall', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    if (fields[':path'] === '/silent') return
    stream.respond({})
    stream.write('half')
  })
  const timeouts = { firstByte: '50ms', stall: '70ms' }
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, timeouts } })
  assert.equal((await ask(gateway.port, get('', '/silent'))).status, 504)
  await assert.rejects(ask(gateway.port, get('', '/half')))
  const causes = (await gateway.logged(2)).map(({ cause }) => cause)
  assert.deepEqual(causes, ['ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT'])
  // The connection is none the worse for it.
  assert.equal(endpoint.sessions.length, 1)
  await gateway.when(() => endpoint.streams.every(({ closed }) => closed), 'both streams to be reset')
})

test('a reset before the head is a 502; H7 after it, whatever its code, the reply is cut off and never looks whole', async (t) => {
  const endpoint = await startFrames(t, (stream, connection, index) => {
    // Each on a connection of its own: the first without a head.
    const code = [2, 2, 8, 0][index]!
    connection.send(index === 0 ? '' : okHead(stream) + frame(frameType.data, 0, stream, 'half'))
    return reset(stream, code) + goaway(stream)
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  assert.equal((await ask(gateway.port, get())).status, 502)
  for (let more = 0; more < 3; more++) await assert.rejects(ask(gateway.port, get()))
  assert.deepEqual(
    (await gateway.logged(4)).map(({ cause }) => cause),
    ['ERR_UPSTREAM_CLOSED', 'ERR_UPSTREAM_ABORT', 'ERR_UPSTREAM_ABORT', 'ERR_UPSTREAM_TRUNCATED'],
  )
})

test('H7 a body shorter or longer than its Content-Length is cut off', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    stream.respond({ 'content-length': 5 })
    stream.end(fields[':path'] === '/short' ? 'hel' : 'hello!')
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  for (const path of ['/short', '/long']) await assert.rejects(ask(gateway.port, get('', path)))
  const causes = (await gateway.logged(2)).map(({ cause }) => cause)
  assert.deepEqual(causes, ['ERR_UPSTREAM_ABORT', 'ERR_UPSTREAM_ABORT'])
})

test('a connection that is cut at any phase has its cause, and leaves nothing behind', async (t) => {
  const phases = [
    // Before its SETTINGS, once a request is there, within a head, within a body.
    ['ERR_UPSTREAM_HTTP2', null],
    ['ERR_UPSTREAM_CLOSED', () => ''],
    ['ERR_UPSTREAM_CLOSED', (stream: number) => okHead(stream).slice(0, 5)],
    ['ERR_UPSTREAM_TRUNCATED', (stream: number) => okHead(stream) + frame(frameType.data, 0, stream, 'half')],
  ] as const
  for (const [cause, sent] of phases) {
    const endpoint = await startOrigin(t, async (connection) => {
      if (sent === null) {
        connection.socket.destroy()
        return
      }
      connection.send(emptySettings)
      await connection.until(({ text }) => text.includes('\x82') || text.includes('a.test'), 'a request')
      connection.send(sent(1))
      connection.end()
    })
    const gateway = await startGateway(t, { to: [endpoint.port], upstream })
    const reply = await ask(gateway.port, get()).catch(() => null)
    const [line] = await gateway.logged(1)
    assert.deepEqual([line!.cause, reply?.status], [cause, cause === 'ERR_UPSTREAM_TRUNCATED' ? undefined : 502])
    await gateway.when(
      () => gateway.count('upstreamSockets') + gateway.count('upstreamStreams') === 0,
      'nothing to be left',
    )
  }
})

test('H19 a used connection that is lost without a word: what may be repeated goes by a new one', async (t) => {
  const endpoint = await startFrames(t, (stream, _connection, index) =>
    index === 0 && stream > 1 ? null : hello(stream),
  )
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  assert.equal((await ask(gateway.port, get())).body, 'hello')
  assert.equal((await ask(gateway.port, get())).body, 'hello')
  assert.deepEqual([gateway.log[1]!.attempts, endpoint.connections.length], [2, 2])
})

test('an endpoint that never sends SETTINGS, or garbage, is given up in time', async (t) => {
  const silent = await startOrigin(t, () => {})
  const gateway = await startGateway(t, { to: [silent.port], upstream: { ...upstream, timeouts: { connect: '50ms' } } })
  assert.equal((await ask(gateway.port, get())).status, 502)
  const garbage = await startFrames(
    t,
    (stream) => frame(99, 0, stream, 'x') + frame(frameType.data, 0, 0, 'no such stream'),
  )
  const other = await startGateway(t, { to: [garbage.port], upstream })
  assert.equal((await ask(other.port, get())).status, 502)
  assert.deepEqual([gateway.log[0]!.cause, other.log[0]!.cause], ['ERR_UPSTREAM_HTTP2', 'ERR_UPSTREAM_CLOSED'])
})

test('a connection whose endpoint fell silent is given up, so that the next request does not wait on it', async (t) => {
  const endpoint = await startFrames(t, (stream, _connection, index) => (index === 0 ? '' : hello(stream)))
  const timeouts = { firstByte: '50ms', connect: '100ms' }
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, timeouts } })
  assert.equal((await ask(gateway.port, get())).status, 504)
  await gateway.when(() => gateway.count('upstreamSockets') === 0, 'the connection to be given up')
  assert.equal((await ask(gateway.port, get())).body, 'hello')
})

test('H20 a client that goes away resets its stream at every phase; the others do not notice', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    if (fields[':path'] === '/stays') return echoing(stream)
    stream.resume()
    if (fields[':path'] !== '/waiting') stream.respond({})
    if (fields[':path'] === '/receiving') stream.write('some')
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const stays = await gateway.connect()
  stays.send('POST /stays HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\nhalf')
  await endpoint.stream(0)
  for (const [at, phase] of ['waiting', 'sending', 'receiving'].entries()) {
    const client = await gateway.connect()
    const body = phase === 'sending' ? 'Content-Length: 100\r\n\r\npart' : '\r\n'
    client.send(`${phase === 'sending' ? 'POST' : 'GET'} /${phase} HTTP/1.1\r\nHost: a.test\r\n${body}`)
    const stream = await endpoint.stream(at + 1)
    if (phase !== 'waiting') await client.until(({ text }) => text !== '', 'a head')
    client.socket.destroy()
    if (!stream.closed) await once(stream, 'close')
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL, phase)
  }
  stays.send('rest')
  assert.equal((await stays.reply('POST')).body, 'halfrest')
  assert.equal(endpoint.sessions.length, 1)
})

test('H20 clients that go away while the connection is made take it with them', async (t) => {
  const silent = await startOrigin(t, () => {})
  const gateway = await startGateway(t, { to: [silent.port], upstream })
  const clients = [await gateway.connect(), await gateway.connect()]
  for (const client of clients) client.send(get())
  await gateway.when(() => gateway.count('poolWaiters') === 2, 'both to wait')
  for (const client of clients) client.socket.destroy()
  await gateway.when(
    () => gateway.count('poolWaiters') === 0 && gateway.count('upstreamSockets') === 0,
    'nothing to be left',
  )
})

test('too many interim replies, or fields, are refused', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    if (fields[':path'] === '/interim') for (let at = 0; at < 20; at++) stream.additionalHeaders({ ':status': 103 })
    else
      stream.respond(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-${at}`, 'v'])), { endStream: true })
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  client.send(get('', '/interim'))
  await client.until(({ text }) => text.includes('HTTP/1.1 502'), 'a 502')
  assert.equal((await ask(gateway.port, get('', '/fields'))).status, 502)
  assert.equal(gateway.log[0]!.cause, 'ERR_UPSTREAM_HEAD')
})
