import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import test from 'node:test'
import { errorCodes, type ErrorCode } from '../../src/core/error-codes.ts'
import { testCertificate } from '../support/certificates.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { startOrigin } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'

/** RFC 9209 §2.3. */
const registered =
  'dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited destination_ip_unroutable ' +
  'connection_refused connection_terminated connection_timeout connection_read_timeout connection_write_timeout ' +
  'connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received http_request_error ' +
  'http_request_denied http_response_incomplete http_response_header_section_size http_response_header_size ' +
  'http_response_body_size http_response_trailer_section_size http_response_trailer_size http_response_transfer_coding ' +
  'http_response_content_coding http_response_timeout http_upgrade_failed http_protocol_error proxy_internal_response ' +
  'proxy_internal_error proxy_configuration_error proxy_loop_detected'

test('H23 every error type is a registered one', () => {
  for (const [code, { proxyStatus, status }] of Object.entries(errorCodes)) {
    assert.ok(proxyStatus === '' || registered.split(' ').includes(proxyStatus), `${code}: ${proxyStatus}`)
    assert.ok(status === 0 || status === 499 || proxyStatus !== '', `${code} has a reply and no type`)
  }
})

/** Everything that a reply made here owes its reader. */
function assertOwnReply(reply: Message, code: ErrorCode, status: number = errorCodes[code].status): void {
  assert.equal(reply.status, status, `${code}: ${reply.body}`)
  assert.equal(reply.field('proxy-status'), `edge; error=${errorCodes[code].proxyStatus}; details="${code}"`)
  const date = Date.parse(reply.field('date') ?? '')
  assert.ok(Math.abs(Date.now() - date) < 5_000, `${code}: Date`)
  assert.equal(reply.field('content-length'), String(reply.body.length), code)
  assert.equal(reply.field('transfer-encoding'), undefined, code)
  assert.equal(reply.field('cache-control'), 'no-store', code)
  assert.ok(reply.body.includes(code))
  const id = reply.field('x-request-id')
  assert.ok(id !== undefined && reply.body.includes(id), `${code}: request id`)
  // No stack, no file, no address of what stands behind.
  assert.doesNotMatch(reply.body, /\n\s+at |node:|\.ts\b|127\.0\.0\.1/, code)
}

test('H23 every cause that a reply can carry: status, Proxy-Status, Date, framing, no stack', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    const request = await connection.request().catch(() => null)
    const path = request?.line.split(' ')[1]
    if (path === undefined || path === '/closed') return connection.end()
    if (path === '/slow') return undefined
    if (path === '/garbage') return connection.send('SSH-2.0-OpenSSH_9.2\r\n')
    if (path === '/large') return connection.send(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`)
    if (path === '/framing') return connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx')
    if (path === '/upgrade') return connection.send('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    return connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const { cert, key } = testCertificate({ subject: 'other.test', names: ['DNS:other.test'] })
  const secure = createTlsServer({ cert, key })
    .on('tlsClientError', () => {})
    .listen(0, '127.0.0.1')
  await once(secure, 'listening')
  t.after(() => secure.close())
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const refusing = portOf(closed)
  closed.close()
  await once(closed, 'close')
  const plain = { endpoints: [origin.url], timeouts: { firstByte: '100ms' } }
  const upstreams = {
    plain,
    single: { ...plain, pool: { max: 1 }, timeouts: { connect: '100ms' } },
    refusing: { endpoints: [`http://127.0.0.1:${refusing}`] },
    nameless: { endpoints: ['http://nowhere.invalid:80'] },
    missing: { endpoints: ['unix:/nonexistent/turnpike.sock'] },
    insecure: { endpoints: [`https://127.0.0.1:${origin.port}`], timeouts: { tls: '100ms' } },
    untrusted: { endpoints: [`https://127.0.0.1:${portOf(secure)}`] },
  }
  const gateway = await startGateway(t, {
    listener: { timeouts: { head: '100ms', bodyProgress: '1KiB/100ms' } },
    config: {
      via: 'edge',
      gateway: {
        routes: [
          ...Object.keys(upstreams).map((name) => ({ name, match: { path: `/to-${name}` }, to: name })),
          ...['closed', 'slow', 'garbage', 'large', 'framing', 'upgrade'].map((name) => ({
            name,
            match: { path: `/${name}` },
            to: 'plain',
          })),
          { name: 'posts', match: { path: '/posts', methods: ['POST'] }, to: 'plain' },
        ],
        upstreams,
      },
    },
  })
  const chunked = 'POST /posts HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n'
  const causes: [code: ErrorCode, request: string, status?: number][] = [
    ['ERR_REQUEST_LINE', 'GET\r\n\r\n'],
    ['ERR_HTTP_VERSION', 'GET / HTTP/3.0\r\n\r\n'],
    ['ERR_HEADER_SYNTAX', get('X : 1\r\n')],
    ['ERR_HOST', get('Host: a\r\n')],
    ['ERR_FRAMING', get('Content-Length: 1, 1\r\n')],
    ['ERR_TRANSFER_CODING', get('Transfer-Encoding: br, chunked\r\n')],
    ['ERR_HEAD_TOO_LARGE', get(`X: ${'x'.repeat(40_000)}\r\n`)],
    ['ERR_TARGET_TOO_LONG', get('', `/${'x'.repeat(10_000)}`)],
    ['ERR_HEAD_TIMEOUT', 'GET / HTTP/1.1\r\n'],
    ['ERR_PATH', get('', '/a/%00')],
    ['ERR_CONNECT_NOT_ALLOWED', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n'],
    ['ERR_LOOP', get('Via: 1.1 edge\r\n')],
    ['ERR_NO_ROUTE', get('', '/nowhere')],
    ['ERR_METHOD_NOT_ALLOWED', get('', '/posts')],
    ['ERR_CHUNK', `${chunked}x\r\n`],
    ['ERR_TRAILER', `${chunked}0\r\nX : 1\r\n\r\n`],
    ['ERR_BODY_TIMEOUT', `${chunked}1\r\n`],
    ['ERR_CONNECT_REFUSED', get('', '/to-refusing')],
    ['ERR_CONNECT_FAILED', get('', '/to-missing')],
    ['ERR_DNS', get('', '/to-nameless')],
    ['ERR_TLS_TIMEOUT', get('', '/to-insecure')],
    ['ERR_TLS_CERTIFICATE', get('', '/to-untrusted')],
    ['ERR_UPSTREAM_CLOSED', get('', '/closed')],
    ['ERR_UPSTREAM_HEAD', get('', '/garbage')],
    ['ERR_UPSTREAM_HEAD_SIZE', get('', '/large')],
    ['ERR_UPSTREAM_FRAMING', get('', '/framing')],
    ['ERR_UPSTREAM_UPGRADE', get('', '/upgrade')],
    ['ERR_FIRST_BYTE_TIMEOUT', get('', '/slow')],
  ]
  for (const [code, request, status] of causes) {
    const ended = gateway.log.length
    const client = await gateway.connect()
    client.send(request)
    assertOwnReply(await client.reply(), code, status)
    const line = (await gateway.logged(ended + 1))[ended]!
    assert.deepEqual([line.cause, line.status], [code, errorCodes[code].status])
    client.socket.destroy()
  }
  const holder = await gateway.connect()
  holder.send(get('', '/to-single'))
  await holder.reply()
})

test('H23 a reply to a refused connection is one as well', async (t) => {
  const gateway = await startGateway(t, { to: [1], config: { via: 'edge' }, listener: { limits: { connections: 1 } } })
  const first = await gateway.connect()
  await gateway.when(() => gateway.count('clientSockets') === 1, 'the first connection')
  const second = await gateway.connect()
  const reply = await second.reply()
  assert.equal(reply.status, 503)
  assert.equal(reply.field('proxy-status'), 'edge; error=connection_limit_reached; details="ERR_CONNECTION_LIMIT"')
  assert.ok(Math.abs(Date.now() - Date.parse(reply.field('date')!)) < 5_000)
  first.send(get('', '/'))
  assert.equal((await first.reply()).status, 502)
})

test('H23 a pseudonym that is no structured token is sent as a string', async (t) => {
  // RFC 8941 §3.3.4: a token begins with a letter or a star.
  const gateway = await startGateway(t, { to: [1], config: { via: '7.edge' } })
  const reply = await (await sent(gateway, get('', '/%00'))).reply()
  assert.equal(reply.field('proxy-status'), '"7.edge"; error=http_request_error; details="ERR_PATH"')
})

test('H23 the page is in the form that the client accepts', async (t) => {
  const gateway = await startGateway(t, { to: [1], config: { via: 'edge' } })
  const client = await gateway.connect()
  const page = async (accept: string): Promise<Message> => {
    client.send(get(`Accept: ${accept}\r\n`, '/%00'))
    return client.reply()
  }
  const json = await page('application/json')
  assert.equal(json.field('content-type'), 'application/json')
  const problem: { status: number; code: string; requestId: string } = JSON.parse(json.body)
  assert.deepEqual([problem.status, problem.code, problem.requestId], [400, 'ERR_PATH', json.field('x-request-id')])
  const html = await page('text/html,application/xhtml+xml,*/*;q=0.8')
  assert.equal(html.field('content-type'), 'text/html; charset=utf-8')
  assert.match(html.body, /^<!doctype html>/)
  const plain = await page('*/*')
  assert.equal(plain.field('content-type'), 'text/plain; charset=utf-8')
})

test('H23 HEAD gets the head that GET would have, and the connection lives on', async (t) => {
  const gateway = await startGateway(t, { to: [1], config: { via: 'edge' } })
  const client = await gateway.connect()
  client.send(get('', '/%00').replace('GET', 'HEAD') + get('', '/%00'))
  const [head, whole] = [await client.reply('HEAD'), await client.reply()]
  assert.deepEqual([head.status, head.body], [400, ''])
  assert.equal(head.field('content-length'), whole.field('content-length'))
  assert.equal(whole.field('connection'), undefined)
})

test('H23 an error page does not send back what it was sent', async (t) => {
  const gateway = await startGateway(t, { to: [1], config: { via: 'edge' } })
  const reply = await (
    await sent(gateway, post('<b>body</b>', 'Accept: text/html\r\nX: <script>\r\n', '/%00?<script>'))
  ).reply()
  assert.ok(!reply.body.includes('<script>') && !reply.body.includes('<b>'))
})

async function sent(gateway: TestGateway, bytes: string) {
  const client = await gateway.connect()
  client.send(bytes)
  return client
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}
