import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'

test('H13 the hop-by-hop fields of a request go, with every field that Connection names', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await ask(
    gateway.port,
    get(
      'Connection: x-user-id, Keep-Alive\r\nX-User-Id: 7\r\nconnection: X-Two\r\nX-Two: 2\r\nKeep-Alive: timeout=5\r\n' +
        'Proxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\nX-Kept: 1\r\n',
    ),
  )
  const [request] = origin.requests
  for (const name of [
    'x-user-id',
    'x-two',
    'keep-alive',
    'proxy-connection',
    'te',
    'upgrade',
    'http2-settings',
    'connection',
  ]) {
    assert.equal(request!.field(name), undefined, name)
  }
  assert.equal(request!.field('x-kept'), '1')
})

test('H13 Connection cannot erase what frames, routes or identifies a request', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await ask(
    gateway.port,
    post(
      'hello',
      'Connection: content-length, host, x-forwarded-for, via, authorization, cookie\r\nCookie: a=b\r\nAuthorization: c\r\n',
    ),
  )
  const [request] = origin.requests
  assert.equal(request!.body, 'hello')
  assert.equal(request!.field('host'), 'a.test')
  assert.equal(request!.field('x-forwarded-for'), '127.0.0.1')
  assert.deepEqual([request!.field('cookie'), request!.field('authorization')], ['a=b', 'c'])
})

test('H13 Connection: transfer-encoding does not unframe a body', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(
    'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n' +
      get('', '/next'),
  )
  await client.reply()
  await client.reply()
  assert.deepEqual(
    origin.requests.map(({ line, body }) => [line, body]),
    [
      ['POST / HTTP/1.1', 'hi'],
      ['GET /next HTTP/1.1', ''],
    ],
  )
})

test('H13 Connection: close, x closes, and takes x away', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get('Connection: close, X-Internal\r\nX-Internal: 1\r\n'))
  assert.equal((await client.reply()).field('connection'), 'close')
  assert.equal(await client.over(), 'end')
  const [request] = origin.requests
  assert.deepEqual([request!.field('x-internal'), request!.field('connection')], [undefined, undefined])
})

test('H13 TE: trailers is the one coding that is passed on, as this hop’s own', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await ask(gateway.port, get('TE: deflate, trailers;q=0.5\r\nConnection: te\r\n'))
  await ask(gateway.port, get('TE: deflate, trailers\r\nConnection: te\r\n'))
  const [weighed, plain] = origin.requests
  assert.equal(weighed!.field('te') ?? 'trailers', 'trailers')
  assert.deepEqual([plain!.field('te'), plain!.field('connection')], ['trailers', 'te'])
})

test('H13 the hop-by-hop fields of a reply go, and Connection cannot unframe it', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() =>
      ok(
        'hello',
        'Connection: x-internal, content-length, set-cookie\r\nX-Internal: 1\r\nSet-Cookie: a=b\r\nKeep-Alive: timeout=5\r\n' +
          'Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-Kept: 1\r\n',
      ),
    ),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get())
  for (const reply of [await client.reply(), await client.reply()]) {
    for (const name of ['x-internal', 'keep-alive', 'proxy-connection', 'upgrade', 'connection']) {
      assert.equal(reply.field(name), undefined, name)
    }
    assert.deepEqual([reply.body, reply.field('x-kept'), reply.field('set-cookie')], ['hello', '1', 'a=b'])
  }
})

test('H13 a reply’s Connection: close ends the upstream connection and not the client’s', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => ok('hello', 'Connection: close\r\n')),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get())
  for (const reply of [await client.reply(), await client.reply()]) {
    assert.deepEqual([reply.body, reply.field('connection')], ['hello', undefined])
  }
  assert.equal(origin.connections.length, 2)
  await origin.connections[1]!.until(({ ended, closed }) => ended || closed, 'the connection to be given up')
})

test('H13 keep-alive towards a 1.0 client is said, and kept', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n')
  assert.equal((await client.reply()).field('connection'), 'keep-alive')
  client.send('GET / HTTP/1.0\r\n\r\n')
  assert.equal((await client.reply()).field('connection'), 'close')
  assert.equal(await client.over(), 'end')
})
