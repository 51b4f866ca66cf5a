import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ClientHttp2Stream } from 'node:http2'
import test, { type TestContext } from 'node:test'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import { END_HEADERS, FramePeer, frame, headerBlock, request, uint32 } from '../support/http2-frames.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import { Random } from '../sim/random.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants
const post = { ':method': 'POST', ':authority': 'a.test' }
const BOUND_MS = 1_000

/** Opens a stream whose errors are nobody's. */
async function openStream(
  t: TestContext,
  { port }: TestGateway,
  fields: Record<string, string> = { ':authority': 'a.test' },
): Promise<ClientHttp2Stream> {
  const client = await connectHttp2(t, port)
  const stream = client.request(fields, { endStream: fields !== post })
  stream.on('error', () => {})
  return stream
}

async function assertAborted(gateway: TestGateway, phase: string, status = 499): Promise<void> {
  const start = performance.now()
  const [line] = await gateway.logged(1)
  assert.ok(performance.now() - start < BOUND_MS)
  assert.deepEqual([line!.status, line!.cause, line!.phase], [status, 'ERR_CLIENT_ABORT', phase])
}

const leaves: [how: string, leave: (stream: ClientHttp2Stream) => void][] = [
  ['resets its stream', (stream) => stream.close(NGHTTP2_CANCEL)],
  ['resets its stream without an error', (stream) => stream.close(NGHTTP2_NO_ERROR)],
  ['closes its connection', (stream) => stream.session!.destroy()],
]

for (const [how, leave] of leaves) {
  test(`H20 a client that ${how} while the origin thinks: the origin sees it`, async (t) => {
    const origin = await startOrigin(t, () => {})
    const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
    const stream = await openStream(t, gateway)
    const connection = await origin.connection(0)
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    leave(stream)
    await assertAborted(gateway, 'first-byte')
    await connection.over()
  })

  test(`H20 a client that ${how} while it receives: the origin sees it`, async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
    })
    const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
    const stream = await openStream(t, gateway)
    await once(stream, 'data')
    leave(stream)
    await assertAborted(gateway, 'body', 200)
    await origin.connections[0]!.over()
  })

  test(`H20 a client that ${how} while a fast reply waits for it`, async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n')
      connection.send(Buffer.alloc(30_000_000))
    })
    const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
    const stream = await openStream(t, gateway)
    await once(stream, 'response')
    stream.pause()
    leave(stream)
    await assertAborted(gateway, 'body', 200)
    await origin.connections[0]!.over()
  })
}

// By frames: node:http2 as a client ends a stream before it resets it.
for (const code of [NGHTTP2_CANCEL, NGHTTP2_NO_ERROR]) {
  test(`H20 H7 a stream that is reset with ${code} in the middle of an upload: the origin gets no last chunk`, async (t) => {
    const origin = await startOrigin(t, () => {})
    const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
    const client = await FramePeer.connect(gateway.port)
    t.after(() => client.peer.socket.destroy())
    client.send(
      frame('headers', END_HEADERS, 1, headerBlock(request('POST'))),
      frame('data', 0, 1, Buffer.from('hello')),
    )
    const connection = await origin.connection(0)
    await connection.until(({ text }) => text.includes('hello'), 'a part of the body')
    client.send(frame('rstStream', 0, 1, uint32(code)))
    await assertAborted(gateway, 'first-byte')
    await connection.over()
    assert.ok(!connection.text.includes('\r\n0\r\n'))
  })
}

test('H20 a client that half-closes its connection is taken for gone', async (t) => {
  const origin = await startOrigin(t, () => {})
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const stream = await openStream(t, gateway)
  const connection = await origin.connection(0)
  await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
  stream.session!.socket.destroySoon()
  await assertAborted(gateway, 'first-byte')
  await connection.over()
})

/** How an origin fails, and what the client gets: a status, or a reset. */
const upstreamGone: [
  name: string,
  script: (connection: RawPeer) => void | Promise<void>,
  status: number,
  cause: string,
][] = [
  [
    'before its reply',
    async (connection) => {
      await connection.request()
      connection.socket.destroy()
    },
    502,
    'ERR_UPSTREAM_CLOSED',
  ],
  [
    'in the middle of a body of known length',
    async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      connection.end()
    },
    0,
    'ERR_UPSTREAM_TRUNCATED',
  ],
  [
    'in the middle of chunks',
    async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
      connection.reset()
    },
    0,
    'ERR_UPSTREAM_ABORT',
  ],
]

for (const [name, script, status, cause] of upstreamGone) {
  test(`H7 H20 an origin that goes ${name}: ${status === 0 ? 'the stream is reset, the connection lives' : status}`, async (t) => {
    let isGone = true
    const origin = await startOrigin(t, (connection, self) =>
      isGone ? script(connection) : answering(() => ok('hello'))(connection, self),
    )
    const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true }, config: {} })
    const client = await connectHttp2(t, gateway.port)
    const answer = askHttp2(client, { ':method': 'POST' }, 'x')
    if (status > 0) assert.equal((await answer).status, status)
    else await assert.rejects(answer, /NGHTTP2_INTERNAL_ERROR/)
    assert.equal((await gateway.logged(1))[0]!.cause, cause)
    isGone = false
    assert.equal((await askHttp2(client)).status, 200)
  })
}

test('streams that are reset at any moment, with trailers on their way, end neither process nor connection', async (t) => {
  const random = new Random(7)
  const origin = await startOrigin(t, async (connection) => {
    for (;;) {
      if ((await connection.request().catch(() => null)) === null) return
      const size = random.pick([1, 5000, 70_000])
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n')
      connection.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`)
      if (random.chance(0.2)) return connection.reset()
      if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve))
      connection.send('0\r\nx-sum: 1\r\n\r\n')
    }
  })
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  for (let round = 0; round < 6; round++) {
    const client = await connectHttp2(t, gateway.port)
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const stream = client.request({ ...post, te: 'trailers' }, { endStream: false, waitForTrailers: true })
        stream.on('error', () => {})
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-up': '1' }))
        stream.on('data', () => {})
        if (random.chance(0.3)) stream.write('x'.repeat(random.pick([10, 20_000])))
        const end = random.pick(['end', 'close', 'destroy', 'late'])
        if (end === 'end' || end === 'late') stream.end('y')
        if (end === 'close') stream.close(random.pick([NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR]))
        if (end === 'destroy') setImmediate(() => stream.destroy())
        if (end === 'late') stream.once('data', () => stream.close(NGHTTP2_CANCEL))
        await new Promise((resolve) => stream.once('close', resolve))
      }),
    )
    client.destroy()
  }
  await gateway.when(() => gateway.count('exchanges') === 0, 'no exchange to be left')
})
