import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get } from '../support/raw-client.ts'

const expecting = 'POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'

test('H15 103 is forwarded with its fields, as often as it comes', async (t) => {
  const origin = await startOrigin(
    t,
    answering(
      () =>
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nConnection: x\r\nX: 1\r\nLink: </b.css>\r\n\r\n' +
        ok('hello'),
    ),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  const [first, second, last] = [await client.reply(), await client.reply(), await client.reply()]
  assert.deepEqual([first.status, first.field('link')], [103, '</a.css>'])
  assert.deepEqual([second.status, second.field('link'), second.field('x')], [103, '</b.css>', undefined])
  assert.deepEqual([last.status, last.body], [200, 'hello'])
})

test('H15 no interim reply reaches a 1.0 client', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => `HTTP/1.1 103 Early Hints\r\n\r\n${ok('hello')}`),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send('GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n')
  assert.equal((await client.reply()).body, 'hello')
})

test('H15 Expect: 100-continue is forwarded, and answered by the origin alone', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'a head')
    assert.match(connection.text, /\r\nExpect: 100-continue\r\n/)
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    const request = await connection.request()
    connection.send(ok(request!.body))
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(expecting)
  assert.equal((await client.reply('POST')).status, 100)
  client.send('hello')
  assert.equal((await client.reply('POST')).body, 'hello')
  client.send(get())
  await origin.connections[0]!.until(({ text }) => text.startsWith('GET'), 'the next request')
  client.socket.destroy()
})

test('H15 a 100 that the client did not ask for is dropped', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => `HTTP/1.1 100 Continue\r\n\r\n${ok('hello')}`),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  assert.equal((await client.reply()).status, 200)
})

test('H15 a final reply in place of 100 is passed on, and the body is not waited for', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'a head')
    connection.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n')
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(expecting)
  assert.equal((await client.reply('POST')).status, 413)
  assert.equal(await client.over(), 'end')
})

test('H15 a client that waits for 100 forever is bounded by the bodyProgress timer', async (t) => {
  const origin = await startOrigin(t, () => {})
  const gateway = await startGateway(t, {
    to: [origin.port],
    listener: { timeouts: { bodyProgress: '1KiB/150ms' } },
  })
  const client = await gateway.connect()
  client.send(expecting)
  assert.equal((await client.reply('POST')).status, 408)
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause], [408, 'ERR_BODY_TIMEOUT'])
  await origin.connections[0]!.until(({ ended, closed }) => ended || closed, 'the upstream request to be given up')
})

test('H15 an origin that sends interim replies without end: 502', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  let reply = await client.reply()
  while (reply.status === 102) reply = await client.reply()
  assert.equal(reply.status, 502)
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_UPSTREAM_HEAD')
})
