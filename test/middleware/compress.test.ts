import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { z } from 'zod'
import { EncodingChoice } from '../../src/middleware/compress/accept-encoding.ts'
import type { compressOptions } from '../../src/middleware/compress/config.ts'
import { MediaTypes } from '../../src/middleware/compress/media-types.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask, get } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const run = promisify(execFile)

type CompressInput = z.input<typeof compressOptions>
type Script = Parameters<typeof startOrigin>[1]

async function compressing(
  t: TestContext,
  script: Script,
  compress: CompressInput = {},
): Promise<{ gateway: TestGateway; origin: Origin }> {
  const origin = await startOrigin(t, script)
  const gateway = await startGateway(t, {
    config: {
      gateway: {
        use: [{ compress }],
        routes: [{ name: 'all', to: 'app' }],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  // Every codec must be gone, however its exchange ended.
  t.after(() => gateway.when(() => gateway.count('codecs') === 0, 'the codecs to be closed'))
  return { gateway, origin }
}

const page = '<p>All work and no play makes Jack a dull boy.</p>\n'.repeat(200)
const html = 'Content-Type: text/html; charset=utf-8\r\n'
const accepts = (value: string): string => `Accept-Encoding: ${value}\r\n`

const decode: Record<string, (bytes: Buffer) => Buffer> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
}

function decoded({ body, fields }: Message): string {
  const coding = fields.find(([name]) => name === 'content-encoding')?.[1]
  const bytes = Buffer.from(body, 'latin1')
  return (coding === undefined ? bytes : decode[coding]!(bytes)).toString('latin1')
}

/** Text that hardly shrinks, so that a reply outgrows every buffer on the way. */
const noise = (at: number): string => `${Math.sin(at).toString(36).slice(3)}${Math.cos(at).toString(36).slice(3)}\n`

describe('compress', () => {
  test('compresses with what the client likes best, and says so', async (t) => {
    const { gateway } = await compressing(
      t,
      answering(() => ok(page, `${html}ETag: "a"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\n`)),
    )
    for (const coding of ['br', 'zstd', 'gzip']) {
      const reply = await ask(gateway.port, get(accepts(coding)))
      assert.equal(reply.field('content-encoding'), coding)
      assert.equal(decoded(reply), page)
      assert.ok(reply.body.length < page.length / 10, `${coding}: ${reply.body.length}`)
      assert.equal(reply.field('vary'), 'Origin, Accept-Encoding')
      assert.equal(reply.field('etag'), 'W/"a"')
      assert.equal(reply.field('accept-ranges'), undefined)
      assert.equal(reply.field('content-length'), undefined)
      assert.equal(reply.field('transfer-encoding'), 'chunked')
    }
    const plain = await ask(gateway.port, get())
    assert.equal(plain.body, page)
    assert.equal(plain.field('content-encoding'), undefined)
    assert.equal(plain.field('vary'), 'Origin, Accept-Encoding', 'caches must know that it can come otherwise')
    assert.equal(plain.field('etag'), '"a"')
    assert.equal(plain.field('content-length'), String(page.length))
  })

  test('leaves alone what must not be compressed', async (t) => {
    const cases: [what: string, reply: string, request?: string][] = [
      ['small', ok('short', html)],
      ['encoded already', ok(page, `${html}Content-Encoding: br\r\n`)],
      ['a picture', ok(page, 'Content-Type: image/png\r\n')],
      ['no type', ok(page)],
      ['no-transform', ok(page, `${html}Cache-Control: public, no-transform\r\n`)],
      ['no-transform asked for', ok(page, html), 'Cache-Control: no-transform\r\n'],
      ['a digest', ok(page, `${html}Content-Digest: sha-256=:AAAA:\r\n`)],
      ['a part', ok(page, `${html}Content-Range: bytes 0-9/10\r\n`).replace('200 OK', '206 Partial Content')],
      ['no content', `HTTP/1.1 204 No Content\r\n${html}\r\n`],
      ['not modified', `HTTP/1.1 304 Not Modified\r\n${html}ETag: "a"\r\n\r\n`],
      ['an event stream', ok(page, 'Content-Type: text/event-stream\r\n')],
    ]
    const { gateway } = await compressing(
      t,
      answering(({ line }) => cases[Number(line.split(' ')[1]!.slice(1))]![1]),
    )
    for (const [index, [what, , request = '']] of cases.entries()) {
      const reply = await ask(gateway.port, get(`${accepts('gzip, br, zstd')}${request}`, `/${index}`))
      assert.equal(reply.field('content-encoding'), what === 'encoded already' ? 'br' : undefined, what)
      assert.equal(reply.field('vary'), undefined, what)
      if (reply.status === 200) assert.ok(reply.body === page || reply.body === 'short', what)
    }
    assert.equal(gateway.turnpike.services.ledger.snapshot().codecs.total, 0)
  })

  test('HEAD tells nothing that is not so: no length, since that of GET is not known', async (t) => {
    const { gateway } = await compressing(
      t,
      answering(() => `HTTP/1.1 200 OK\r\n${html}Content-Length: ${page.length}\r\n\r\n`),
    )
    const head = (fields: string): Promise<Message> => ask(gateway.port, get(fields).replace('GET', 'HEAD'), 'HEAD')
    const reply = await head(accepts('br'))
    assert.equal(reply.field('vary'), 'Accept-Encoding')
    assert.equal(reply.field('content-length'), undefined)
    assert.equal((await head('')).field('content-length'), String(page.length))
  })

  test('replies of our own are compressed too', async (t) => {
    const gateway = await startGateway(t, {
      config: {
        gateway: {
          use: [{ compress: {} }],
          routes: [{ name: 'page', respond: { body: page, headers: { 'content-type': 'text/html' } } }],
        },
      },
    })
    const reply = await ask(gateway.port, get(accepts('zstd')))
    assert.equal(reply.field('content-encoding'), 'zstd')
    assert.equal(decoded(reply), page)
    await gateway.when(() => gateway.count('codecs') === 0, 'the codecs to be closed')
  })

  test('a slow stream is not held: each piece can be read before the next one is sent', async (t) => {
    const { gateway, origin } = await compressing(t, async (connection) => {
      while ((await connection.request()) !== null)
        connection.send(`HTTP/1.1 200 OK\r\n${html}Transfer-Encoding: chunked\r\n\r\n`)
    })
    for (const coding of ['gzip', 'br', 'zstd']) {
      const client = await gateway.connect()
      client.send(get(accepts(coding)))
      await client.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
      const upstream = await origin.connection(0)
      for (let piece = 1; piece <= 3; piece++) {
        const before = client.total
        upstream.send('5\r\nabcde\r\n')
        await client.until(({ total }) => total > before + 5, `piece ${piece} by ${coding}`)
      }
      upstream.send('0\r\n\r\n')
      assert.equal(decoded(await client.reply()), 'abcde'.repeat(3))
    }
  })

  test('W20 events leave at once, as they came', async (t) => {
    const { gateway, origin } = await compressing(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream;charset=utf-8\r\n\r\ndata: 0\n\n')
    })
    const client = await gateway.connect()
    client.send(get(accepts('br')))
    await client.until(({ text }) => text.includes('data: 0\n\n'), 'the first event')
    const upstream = await origin.connection(0)
    for (let event = 1; event < 4; event++) {
      upstream.send(`data: ${event}\n\n`)
      await client.until(({ text }) => text.includes(`data: ${event}\n\n`), `event ${event}`)
    }
    assert.doesNotMatch(client.text, /content-encoding/i)
    upstream.end()
    await client.reply()
  })

  test('a client that does not read holds the origin back, and gets everything in the end', async (t) => {
    const piece = Buffer.from(Array.from({ length: 4_000 }, (_, at) => noise(at)).join(''))
    const pieces = 150
    let sent = 0
    const { gateway } = await compressing(
      t,
      async (connection) => {
        await connection.request()
        connection.send(`HTTP/1.1 200 OK\r\n${html}Content-Length: ${piece.length * pieces}\r\n\r\n`)
        for (; sent < pieces; sent++) {
          if (!connection.socket.write(piece)) await new Promise((resolve) => connection.socket.once('drain', resolve))
        }
      },
      { algorithms: ['gzip'], levels: { gzip: 1 } },
    )
    const client = await gateway.connect()
    client.socket.pause()
    client.send(get(`${accepts('gzip')}Connection: close\r\n`))
    let seen = -1
    await gateway.when(() => {
      const still = seen === sent && sent > 0
      seen = sent
      return still && gateway.count('codecs') === 1
    }, 'the origin to stand still')
    const stopped = sent
    assert.ok(stopped < pieces, `${stopped} of ${pieces} pieces were taken in by nobody`)
    client.socket.resume()
    await client.until(({ ended }) => ended, 'the end', 20_000)
    const reply = await client.reply()
    assert.equal(decoded(reply), piece.toString('latin1').repeat(pieces))
  })

  test('a client or an origin that goes in the middle takes the codec with it', async (t) => {
    const half = `HTTP/1.1 200 OK\r\n${html}Content-Length: 100000\r\n\r\n${page}`
    const { gateway, origin } = await compressing(t, async (connection) => {
      await connection.request()
      connection.send(half)
    })
    const begin = async (): Promise<RawPeer> => {
      const client = await gateway.connect()
      client.send(get(accepts('br')))
      await client.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
      return client
    }
    const leaving = await begin()
    leaving.reset()
    await gateway.logged(1)
    const cut = await begin()
    origin.connections.at(-1)!.reset()
    assert.equal(await cut.over(), 'reset')
    await gateway.logged(2)
    await gateway.when(() => gateway.count('codecs') === 0, 'the codecs to be closed')
    assert.equal(gateway.turnpike.services.ledger.snapshot().codecs.total, 2)
  })

  test('beyond maxStreams replies are sent as they are', async (t) => {
    const { gateway, origin } = await compressing(
      t,
      async (connection) => {
        await connection.request()
        connection.send(`HTTP/1.1 200 OK\r\n${html}Content-Length: ${page.length}\r\n\r\n${page.slice(0, 100)}`)
      },
      { maxStreams: 1 },
    )
    const first = await gateway.connect()
    first.send(get(accepts('br')))
    await first.until(({ text }) => text.includes('Content-Encoding: br'), 'the first head')
    const second = await gateway.connect()
    second.send(get(accepts('br')))
    await second.until(({ text }) => text.includes('\r\n\r\n'), 'the second head')
    for (const each of origin.connections) each.send(page.slice(100))
    assert.equal(decoded(await first.reply()), page)
    const plain = await second.reply()
    assert.equal(plain.field('content-encoding'), undefined)
    assert.equal(plain.field('vary'), 'Accept-Encoding')
    assert.equal(plain.body, page)
  })

  test('trailers follow a compressed body', async (t) => {
    const { gateway } = await compressing(
      t,
      answering(
        () =>
          `HTTP/1.1 200 OK\r\n${html}Transfer-Encoding: chunked\r\n\r\n${page.length.toString(16)}\r\n${page}\r\n0\r\nX-Sum: 7\r\n\r\n`,
      ),
    )
    const reply = await ask(gateway.port, get(`${accepts('gzip')}TE: trailers\r\nConnection: TE\r\n`))
    assert.equal(decoded(reply), page)
    assert.deepEqual(reply.trailers, [['x-sum', '7']])
  })

  test('over HTTP/2 as well, pieces of a slow stream at once', async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send(`HTTP/1.1 200 OK\r\n${html}\r\n`)
    })
    const gateway = await startGateway(t, {
      listener: { http2: true },
      config: {
        gateway: {
          use: [{ compress: {} }],
          routes: [{ name: 'all', to: 'app' }],
          upstreams: { app: { endpoints: [origin.url] } },
        },
      },
    })
    const session = connect(`http://127.0.0.1:${gateway.port}`)
    t.after(() => session.destroy())
    const stream = session.request({ 'accept-encoding': 'br' })
    const [head]: Record<string, string>[] = await once(stream, 'response')
    assert.equal(head!['content-encoding'], 'br')
    const upstream = await origin.connection(0)
    const chunks: Buffer[] = []
    for (const piece of ['one', 'two']) {
      upstream.send(piece)
      const [chunk]: Buffer[] = await once(stream, 'data')
      chunks.push(chunk!)
    }
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    upstream.end()
    await once(stream, 'end')
    assert.equal(brotliDecompressSync(Buffer.concat(chunks)).toString(), 'onetwo')
    await gateway.when(() => gateway.count('codecs') === 0, 'the codecs to be closed')
  })

  for (const coding of ['gzip', 'br', 'zstd'] as const) {
    test(`curl --compressed reads ${coding}`, async (t) => {
      requireProgram(t, 'curl')
      const { stdout: version } = await run('curl', ['--version'])
      if (
        !new RegExp(`^Features:.*${coding === 'gzip' ? 'libz' : coding === 'br' ? 'brotli' : 'zstd'}`, 'm').test(
          version,
        )
      )
        return t.skip(`this curl was built without ${coding}`)
      const { gateway } = await compressing(
        t,
        answering(() => ok(page, html)),
        { algorithms: [coding] },
      )
      const url = `http://127.0.0.1:${gateway.port}/`
      const { stdout } = await run('curl', ['--silent', '--compressed', '--dump-header', '-', url])
      assert.match(stdout, new RegExp(`^content-encoding: ${coding}\r$`, 'im'))
      assert.ok(stdout.endsWith(page))
    })
  }
})

describe('Accept-Encoding', () => {
  const choice = new EncodingChoice(['br', 'zstd', 'gzip'])
  const cases: [string, string | null][] = [
    ['', null],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['br;q=0, gzip;q=0.001', 'gzip'],
    ['br;q=0', null],
    ['*', 'br'],
    ['*;q=0.5, gzip', 'gzip'],
    ['*;q=0', null],
    ['*, br;q=0', 'zstd'],
    ['identity', null],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0, gzip;q=0.5', 'gzip'],
    ['deflate', null],
    ['gzip;q=2', null],
    ['gzip;q=0.1234', null],
    ['gzip ; q=0.5 , zstd ; q=0.7', 'zstd'],
    [',, gzip,', 'gzip'],
  ]
  for (const [field, expected] of cases) {
    test(`${JSON.stringify(field)} gets ${expected}`, () => {
      assert.equal(choice.of(field), expected)
      assert.equal(choice.of(field), expected, 'again')
    })
  }
})

test('media types: exact, by main type, by suffix; never event streams', () => {
  const types = new MediaTypes(['text/*', '*+json', 'application/wasm'])
  for (const type of ['text/html', 'TEXT/Plain; charset=x', 'application/vnd.api+json', 'application/wasm'])
    assert.ok(types.has(type), type)
  for (const type of [
    '',
    'text',
    'application/json',
    'image/png',
    'text/event-stream',
    'text/event-stream;x',
    'a+json/b',
  ])
    assert.ok(!types.has(type), type)
})
