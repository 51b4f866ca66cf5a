import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { describe, test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { ok, startOrigin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'
import { through, type Use } from './through.ts'

const use: Use = [{ bodyLimit: { size: '1KiB' } }]
const chunked = 'Transfer-Encoding: chunked\r\n'
const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`
const begin = `POST / HTTP/1.1\r\nHost: a.test\r\n${chunked}\r\n`

describe('bodyLimit', () => {
  test('up to the size passes, announced or not', async (t) => {
    const { gateway, origin } = await through(t, use)
    const client = await gateway.connect()
    client.send(get() + post('x'.repeat(1024)) + begin + chunk(512) + chunk(512) + '0\r\n\r\n' + get())
    for (let round = 0; round < 4; round++) assert.equal((await client.reply()).status, 200)
    assert.deepEqual(
      origin.requests.map(({ body }) => body.length),
      [0, 1024, 1024, 0],
    )
  })

  test('an announced length above it is refused at once, and the connection lives on', async (t) => {
    const { gateway, origin } = await through(t, use)
    const client = await gateway.connect()
    client.send(post('x'.repeat(1025)) + get())
    const refused = await client.reply()
    assert.equal(refused.status, 413)
    assert.match(refused.field('proxy-status')!, /ERR_BODY_TOO_LARGE/)
    assert.equal((await client.reply()).status, 200)
    assert.equal(origin.requests.length, 1)
  })

  test('who waits for 100 is told 413 instead, and nothing is sent', async (t) => {
    const { gateway, origin } = await through(t, use)
    const client = await gateway.connect()
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n')
    const refused = await client.reply()
    assert.equal(refused.status, 413)
    assert.equal(refused.field('connection'), 'close')
    assert.equal(await client.over(), 'end')
    assert.equal(origin.connections.length, 0)
  })

  test('chunks are counted: the upstream never gets a whole request, the client gets 413', async (t) => {
    for (const pieces of [[chunk(2000)], [chunk(1024), chunk(1), '0\r\n\r\n'], [chunk(600), chunk(600), chunk(600)]]) {
      const origin = await startOrigin(t, (connection) =>
        connection.until(({ ended, closed }) => ended || closed, 'the abort'),
      )
      const gateway = await startGateway(t, { to: [origin.port], config: { gateway: gatewayTo(origin.url) } })
      const client = await gateway.connect()
      client.send(begin)
      await origin.connection(0)
      for (const piece of pieces) client.send(piece)
      const refused = await client.reply()
      assert.equal(refused.status, 413)
      assert.match(refused.field('proxy-status')!, /ERR_BODY_TOO_LARGE/)
      const [line] = await gateway.logged(1)
      assert.equal(line!.cause, 'ERR_BODY_TOO_LARGE')
      await origin.connections[0]!.until(({ ended, closed }) => ended || closed, 'the abort')
      assert.doesNotMatch(origin.connections[0]!.text, /\r\n0\r\n/)
    }
  })

  test('a reply that has begun is cut', async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.until(({ text }) => text.includes('\r\n\r\n'), 'a head')
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nsome')
      await connection.until(({ ended, closed }) => ended || closed, 'the abort')
    })
    const gateway = await startGateway(t, { config: { gateway: gatewayTo(origin.url) } })
    const client = await gateway.connect()
    client.send(begin)
    await client.until(({ text }) => text.endsWith('some'), 'a reply that begins')
    client.send(chunk(2000))
    assert.equal(await client.over(), 'reset')
    assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_BODY_TOO_LARGE')
  })

  test('over HTTP/2: announced, and counted', async (t) => {
    const origin = await startOrigin(t, (connection) =>
      connection.until(({ ended, closed }) => ended || closed, 'the abort', 60_000),
    )
    const gateway = await startGateway(t, { listener: { http2: true }, config: { gateway: gatewayTo(origin.url) } })
    const session = connect(`http://127.0.0.1:${gateway.port}`)
    t.after(() => session.destroy())
    for (const fields of [{ 'content-length': '2000' }, {}]) {
      const stream = session.request({ ':method': 'POST', ...fields }, { endStream: false })
      // The gateway takes no more of it than it must.
      stream.on('error', () => {})
      const head = once(stream, 'response')
      stream.write('x'.repeat(600))
      stream.end('x'.repeat(1400))
      const [fieldsOfReply]: unknown[] = await head
      assert.equal(Object(fieldsOfReply)[':status'], 413)
      stream.close()
    }
    assert.deepEqual(
      (await gateway.logged(2)).map(({ cause }) => cause),
      ['ERR_BODY_TOO_LARGE', 'ERR_BODY_TOO_LARGE'],
    )
  })

  test('0B takes no body at all', async (t) => {
    const { gateway } = await through(t, [{ bodyLimit: { size: '0B' } }], () => ok('hello'))
    assert.equal((await ask(gateway.port, get())).status, 200)
    assert.equal((await ask(gateway.port, post(''))).status, 200)
    assert.equal((await ask(gateway.port, post('x'))).status, 413)
    assert.equal((await ask(gateway.port, `${begin}${chunk(1)}0\r\n\r\n`)).status, 413)
  })
})

function gatewayTo(url: string) {
  return { use, routes: [{ name: 'all', to: 'app' }], upstreams: { app: { endpoints: [url] } } }
}
