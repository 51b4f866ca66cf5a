import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:tls'
import test from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { echoing, startHttp2Endpoint } from '../support/http2-endpoint.ts'
import { startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { ask, get, post } from '../support/raw-client.ts'

const upstream = { http2: true }

test('a request reaches an HTTP/2 endpoint by prior knowledge with the fields that it owes it, and no others', async (t) => {
  let seen: string[] = []
  const endpoint = await startHttp2Endpoint(t, (stream, _fields, raw) => {
    seen = raw
    stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] })
    stream.end('hello')
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream, config: { via: 'edge' } })
  const fields = 'Connection: keep-alive, x-gone\r\nX-Gone: 1\r\nX-Case: Kept\r\nTE: trailers\r\nUser-Agent: t\r\n'
  const reply = await ask(gateway.port, get(fields, '/v1/a?b=c'))
  assert.deepEqual([reply.status, reply.body, reply.field('set-cookie')], [200, 'hello', 'a=1, b=2'])
  const pairs: [string, string][] = []
  for (let at = 0; at < seen.length; at += 2) pairs.push([seen[at]!, seen[at + 1]!])
  assert.deepEqual(
    pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      [':authority', 'a.test'],
      [':method', 'GET'],
      [':path', '/v1/a?b=c'],
      [':scheme', 'http'],
      ['te', 'trailers'],
      ['user-agent', 't'],
      ['via', '1.1 edge'],
      ['x-case', 'Kept'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-host', 'a.test'],
      ['x-forwarded-port', String(gateway.port)],
      ['x-forwarded-proto', 'http'],
    ],
  )
})

test('H14 a reply that came by HTTP/2 says so in Via', async (t) => {
  const endpoint = await startHttp2Endpoint(t, echoing)
  const gateway = await startGateway(t, { to: [endpoint.port], upstream, config: { via: 'edge' } })
  assert.equal((await ask(gateway.port, get())).field('via'), '2 edge')
})

test('host: endpoint sends the endpoint’s own name as :authority', async (t) => {
  let authority: string | undefined
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    authority = fields[':authority']
    assert.equal(fields.host, undefined)
    stream.respond({}, { endStream: true })
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, host: 'endpoint' } })
  assert.equal((await ask(gateway.port, get())).status, 200)
  assert.equal(authority, `127.0.0.1:${endpoint.port}`)
})

test('an https endpoint agrees to h2 by ALPN', async (t) => {
  const certificate = testCertificate({ subject: 'app.test', names: ['IP:127.0.0.1'], authority: true })
  const { cert, key } = certificate
  const endpoint = await startHttp2Endpoint(t, echoing, {}, { cert, key })
  const gateway = await startGateway(t, {
    to: [endpoint.url],
    upstream: { ...upstream, tls: { ca: certificate.certFile } },
  })
  assert.equal((await ask(gateway.port, post('over tls'), 'POST')).body, 'over tls')
  assert.equal(endpoint.sessions[0]!.alpnProtocol, 'h2')
})

test('trailers pass both ways, what must not stand in them does not', async (t) => {
  let received: unknown
  const endpoint = await startHttp2Endpoint(t, (stream) => {
    stream.on('trailers', (trailers) => {
      received = JSON.parse(JSON.stringify(trailers))
    })
    stream.respond({}, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc', 'set-cookie': 'a=1', 'x-many': ['1', '2'] }))
    stream.pipe(stream)
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n'
  const reply = await ask(
    gateway.port,
    `${head}3\r\nabc\r\n0\r\nX-Check: 7\r\nX-Check: 8\r\nContent-Length: 9\r\n\r\n`,
    'POST',
  )
  assert.equal(reply.body, 'abc')
  assert.deepEqual(received, { 'x-check': '7, 8' })
  assert.deepEqual(reply.trailers, [
    ['x-sum', 'abc'],
    ['x-many', '1'],
    ['x-many', '2'],
  ])
})

test('H8 HEAD, 204 and 304 have no body, and an empty one has length 0', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    const status = Number(fields[':path']!.slice(1))
    const head = { ':status': status, ...(fields[':method'] === 'HEAD' && { 'content-length': 5 }) }
    stream.respond(head, { endStream: status === 200 })
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  for (const [method, status, length] of [
    ['HEAD', 200, '5'],
    ['GET', 204, undefined],
    ['GET', 304, undefined],
    ['GET', 200, '0'],
  ] as const) {
    client.send(`${method} /${status} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    const reply = await client.reply(method)
    assert.deepEqual(
      [reply.status, reply.field('content-length'), reply.body],
      [status, length, ''],
      `${method} ${status}`,
    )
  }
  assert.equal(client.text, '')
})

test('H15 interim replies are passed on, a 100 only to who asked for it', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream) => {
    stream.additionalHeaders({ ':status': 100 })
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
    stream.respond({}, { endStream: true })
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  client.send(get())
  const early = await client.reply()
  assert.deepEqual([early.status, early.field('link')], [103, '</a.css>; rel=preload'])
  assert.equal((await client.reply()).status, 200)
})

test('both directions run side by side: the reply begins before the request ends, each goes on', async (t) => {
  const endpoint = await startHttp2Endpoint(t, echoing)
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (const word of ['one', 'two', 'six']) {
    client.send(`3\r\n${word}\r\n`)
    await client.until(({ text }) => text.includes(word), word)
  }
  client.send('0\r\n\r\n')
  assert.equal((await client.reply('POST')).body, 'onetwosix')
})

test('H12 a reply that ends before its request ends the stream, not the connection', async (t) => {
  const endpoint = await startHttp2Endpoint(t, (stream, fields) => {
    stream.respond({ ':status': fields[':method'] === 'POST' ? 403 : 200 })
    stream.end('enough')
  })
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const client = await gateway.connect()
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nonly this')
  assert.equal((await client.reply('POST')).status, 403)
  const stream = await endpoint.stream(0)
  if (!stream.closed) await once(stream, 'close')
  assert.equal((await ask(gateway.port, get())).status, 200)
  assert.equal(endpoint.sessions.length, 1)
})

test('exchanges share one connection, and leave it idle and counted', async (t) => {
  const endpoint = await startHttp2Endpoint(t, echoing)
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, at) => ask(gateway.port, post(`body ${at}`), 'POST')),
  )
  replies.forEach((reply, at) => assert.equal(reply.body, `body ${at}`))
  assert.equal(endpoint.sessions.length, 1)
  assert.equal(gateway.count('upstreamStreams'), 0)
  assert.equal(gateway.count('poolWaiters'), 0)
})

test('an idle connection is closed with GOAWAY', async (t) => {
  const endpoint = await startHttp2Endpoint(t, echoing)
  const gateway = await startGateway(t, { to: [endpoint.port], upstream: { ...upstream, pool: { idle: '30ms' } } })
  await ask(gateway.port, get())
  const [session] = endpoint.sessions
  const [code] = await once(session!, 'goaway')
  assert.equal(code, 0)
  await gateway.when(() => gateway.count('upstreamSockets') === 0, 'the connection to go')
})

test('WebSocket is not offered to an HTTP/2 endpoint: it answers as to any request', async (t) => {
  const endpoint = await startHttp2Endpoint(t, echoing)
  const gateway = await startGateway(t, { to: [endpoint.port], upstream })
  const reply = await ask(gateway.port, get('Connection: upgrade\r\nUpgrade: websocket\r\n'))
  assert.equal(reply.status, 200)
})

test('an endpoint that speaks only HTTP/1 is an error with its own code', async (t) => {
  const origin = await startOrigin(t, (connection) => connection.send('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const { cert, key } = testCertificate({ subject: 'app.test' })
  for (const ALPNProtocols of [['http/1.1'], undefined]) {
    const server = createServer({ cert, key, ...(ALPNProtocols && { ALPNProtocols }) }, (socket) =>
      socket.on('error', () => {}),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const gateway = await startGateway(t, {
      to: [`https://127.0.0.1:${portOf(server)}`],
      upstream: { ...upstream, tls: { verify: false } },
    })
    assert.equal((await ask(gateway.port, get())).status, 502)
    assert.deepEqual([gateway.log[0]!.cause, gateway.log[0]!.phase], ['ERR_UPSTREAM_HTTP2', 'tls'])
  }
  const gateway = await startGateway(t, { to: [origin.port], upstream })
  assert.equal((await ask(gateway.port, get())).status, 502)
  assert.equal(gateway.log[0]!.cause, 'ERR_UPSTREAM_HTTP2')
})
