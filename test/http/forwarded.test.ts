import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'

test('H17 Max-Forwards: 0 stops OPTIONS and TRACE here, more is counted down, other methods do not count', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const send = (method: string, target: string, value: string, fields = '') =>
    ask(gateway.port, `${method} ${target} HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: ${value}\r\n${fields}\r\n`, method)
  const options = await send('OPTIONS', '*', '0')
  assert.deepEqual([options.status, options.body], [200, ''])
  assert.match(options.field('allow')!, /\bGET\b/)
  const trace = await send('TRACE', '/x', '0', 'X-Seen: 1\r\nCookie: secret\r\nAuthorization: secret\r\n')
  assert.equal(trace.field('content-type'), 'message/http')
  assert.match(trace.body, /^TRACE \/x HTTP\/1\.1\r\n/)
  assert.match(trace.body, /X-Seen: 1/)
  assert.ok(!trace.body.includes('secret'))
  assert.equal(origin.requests.length, 0)
  await send('OPTIONS', '/x', '1')
  await send('TRACE', '/x', '7')
  await send('GET', '/x', '0')
  await send('OPTIONS', '/x', 'many')
  assert.deepEqual(
    origin.requests.map((request) => request.field('max-forwards')),
    ['0', '6', '0', 'many'],
  )
})

const claimed =
  'X-Forwarded-For: 203.0.113.9, 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 443\r\n' +
  'Forwarded: for=203.0.113.9;proto=https\r\nOrigin: https://shop.test\r\n'

test('H18 what an untrusted peer says of forwarding is replaced; Origin is never touched', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await ask(gateway.port, get(`${claimed}X-Forwarded-For: 198.51.100.1\r\n`))
  const [request] = origin.requests
  assert.equal(request!.field('x-forwarded-for'), '127.0.0.1')
  assert.equal(request!.field('x-forwarded-proto'), 'http')
  assert.equal(request!.field('x-forwarded-host'), 'a.test')
  assert.equal(request!.field('x-forwarded-port'), String(gateway.port))
  assert.equal(request!.field('forwarded'), 'for=127.0.0.1;proto=http;host="a.test"')
  assert.equal(request!.field('origin'), 'https://shop.test')
  assert.match(gateway.log[0]!.client, /^127\.0\.0\.1:/)
})

test('H18 what a trusted peer says is extended, and the client is the rightmost untrusted address', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    to: [origin.port],
    config: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  })
  await ask(gateway.port, get(`X-Forwarded-For: 198.51.100.1\r\n${claimed}`))
  const [request] = origin.requests
  assert.equal(request!.field('x-forwarded-for'), '198.51.100.1, 203.0.113.9, 10.1.1.1, 127.0.0.1')
  assert.equal(request!.field('x-forwarded-proto'), 'https')
  assert.equal(request!.field('x-forwarded-host'), 'shop.test')
  assert.equal(request!.field('x-forwarded-port'), '443')
  assert.equal(request!.field('forwarded'), 'for=203.0.113.9;proto=https, for=127.0.0.1;proto=http;host="a.test"')
  assert.equal(request!.field('origin'), 'https://shop.test')
  assert.equal(gateway.log[0]!.client, '203.0.113.9')
})

test('H18 a trusted peer that says nothing is the client', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], config: { trustedProxies: ['127.0.0.1/32'] } })
  await ask(gateway.port, get())
  const [request] = origin.requests
  assert.deepEqual([request!.field('x-forwarded-for'), request!.field('forwarded')], ['127.0.0.1', undefined])
  assert.match(gateway.log[0]!.client, /^127\.0\.0\.1:/)
})

test('H18 forwarding fields are of each request, not of its connection', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get().replace('a.test', 'b.test') + 'GET http://c.test/ HTTP/1.1\r\nHost: x.test\r\n\r\n')
  for (let at = 0; at < 3; at++) await client.reply()
  assert.deepEqual(
    origin.requests.map((request) => [request.field('x-forwarded-host'), request.field('host')]),
    [
      ['a.test', 'a.test'],
      ['b.test', 'b.test'],
      ['c.test', 'c.test'],
    ],
  )
})

test('H22 CONNECT on a gateway: 405 and close', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send('CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.field('connection')], [405, 'close'])
  // RFC 9110 §15.5.6: a 405 says what is allowed.
  assert.match(reply.field('allow')!, /\bGET\b/)
  assert.equal(await client.over(), 'end')
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_CONNECT_NOT_ALLOWED')
  assert.equal(origin.connections.length, 0)
})

test('H24 a rule on /admin cannot be walked around, and what is matched is what is forwarded', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    config: {
      gateway: {
        routes: [
          { name: 'admin', match: { path: '/admin/**' }, respond: { status: 403, body: 'no' } },
          { name: 'all', to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  const ways = [
    '/admin/x',
    '/./admin/x',
    '/a/../admin/x',
    '/a/%2e%2e/admin/x',
    '/%61dmin/x',
    '//admin/x',
    '/a/..;/admin/x',
    '/admin;v=1/x',
  ]
  const client = await gateway.connect()
  for (const way of ways) {
    client.send(get('', way))
    const { status } = await client.reply()
    assert.ok(status === 403 || status === 400, `${way}: ${status}`)
  }
  assert.equal(origin.requests.length, 0)
  client.send(get('', '/a/./b/../c/%7Ed?q=/../%2e'))
  await client.reply()
  assert.equal(origin.requests[0]!.line, 'GET /a/c/~d?q=/../%2e HTTP/1.1')
})
