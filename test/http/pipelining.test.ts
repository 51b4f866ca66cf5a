import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'

const pathOf = ({ line }: Message): string => line.split(' ')[1]!

test('H12 two requests in one segment are answered in order', async (t) => {
  const origin = await startOrigin(
    t,
    answering((request) => ok(pathOf(request))),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(Array.from({ length: 20 }, (_, at) => get('', `/${at}`)).join(''))
  for (let at = 0; at < 20; at++) assert.equal((await client.reply()).body, `/${at}`)
})

test('H12 a quick reply waits behind a slow one', async (t) => {
  const slow = Promise.withResolvers<void>()
  const origin = await startOrigin(
    t,
    answering(async (request) => {
      if (pathOf(request) === '/slow') await slow.promise
      return ok(pathOf(request))
    }),
  )
  const gateway = await startGateway(t, {
    config: {
      gateway: {
        routes: [
          { name: 'here', match: { path: '/here' }, respond: { status: 200, body: '/here' } },
          { name: 'all', to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  const client = await gateway.connect()
  client.send(get('', '/slow') + get('', '/here') + get('', '/last'))
  await gateway.when(() => origin.requests.length === 1, 'the slow request')
  assert.equal(client.total, 0)
  assert.equal(gateway.count('exchanges'), 1)
  slow.resolve()
  assert.deepEqual(
    [(await client.reply()).body, (await client.reply()).body, (await client.reply()).body],
    ['/slow', '/here', '/last'],
  )
})

test('H12 what follows a body is the next request, and never a part of this one', async (t) => {
  const origin = await startOrigin(
    t,
    answering((request) => ok(`${pathOf(request)}:${request.body}`)),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  const chunked = 'POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  client.send(post('GET /evil HTTP/1.1\r\n', '', '/a') + get('', '/b') + chunked + get('Content-Length: 0\r\n', '/d'))
  for (const wanted of ['/a:GET /evil HTTP/1.1\r\n', '/b:', '/c:abc', '/d:'])
    assert.equal((await client.reply()).body, wanted)
})

test('H12 a client that says close after its first request gets one reply', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get('Connection: close\r\n') + get('', '/never'))
  assert.equal((await client.reply()).field('connection'), 'close')
  assert.equal(await client.over(), 'end')
  assert.deepEqual(origin.requests.map(pathOf), ['/'])
})

/** Answers at the head and reads no body. */
async function early(t: Parameters<typeof startOrigin>[0], reply: string) {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'a head')
    connection.send(reply)
  })
  return startGateway(t, { to: [origin.port] })
}

test('H12 an early reply: what is left of a small body is drained, and the connection lives', async (t) => {
  const gateway = await early(t, ok('early'))
  const client = await gateway.connect()
  const body = 'x'.repeat(100_000)
  const whole = post(body)
  client.send(whole.slice(0, 2_000))
  const reply = await client.reply()
  assert.deepEqual([reply.body, reply.field('connection')], ['early', undefined])
  client.send(whole.slice(2_000) + get())
  assert.equal((await client.reply()).body, 'early')
})

test('H12 an early reply: the rest of a small chunked body is drained as well', async (t) => {
  const gateway = await early(t, ok('early'))
  const client = await gateway.connect()
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
  assert.equal((await client.reply()).body, 'early')
  client.send(`5\r\nhello\r\n0\r\n\r\n${get()}`)
  assert.equal((await client.reply()).body, 'early')
})

test('H12 an early reply: a body beyond the bound closes the connection, after the reply', async (t) => {
  const gateway = await early(t, ok('early'))
  const long = await gateway.connect()
  long.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000000\r\n\r\nhello`)
  const reply = await long.reply()
  assert.deepEqual([reply.body, reply.field('connection')], ['early', 'close'])
  assert.equal(await long.over(), 'end')

  const chunked = await gateway.connect()
  chunked.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
  assert.equal((await chunked.reply()).body, 'early')
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  for (let at = 0; at < 6; at++) chunked.send(chunk)
  assert.equal(await chunked.over(), 'end')
})

test('H12 an early reply to a body that was not sent yet, because the client waits for 100', async (t) => {
  const gateway = await early(t, 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
  const client = await gateway.connect()
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  const reply = await client.reply()
  // Whether the body still comes cannot be known: the next bytes could be read two ways.
  assert.deepEqual([reply.status, reply.field('connection')], [417, 'close'])
  assert.equal(await client.over(), 'end')
})

test('H12 a client that sends ahead without end is read no further than a bound', async (t) => {
  const slow = Promise.withResolvers<void>()
  const origin = await startOrigin(
    t,
    answering(async () => {
      await slow.promise
      return ok('slow')
    }),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  const one = get(`X-Padding: ${'x'.repeat(8_000)}\r\n`)
  const count = 4_000
  client.send(one.repeat(count))
  await gateway.when(() => origin.requests.length === 1, 'the first request')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const waiting = client.socket.writableLength
  assert.ok(waiting > (one.length * count) / 2, `${waiting} bytes of ${one.length * count} were not taken`)
})
