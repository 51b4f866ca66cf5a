import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'

const smoke = 'GET / HTTP/1.1\r\nHost: a.test\r\n'
const put = 'POST / HTTP/1.1\r\nHost: a.test\r\n'

/** Requests that must be refused before any of them reaches an origin, by spec item: bytes, status, cause. */
const refused: Record<string, [request: string, status: number, cause: string][]> = {
  'H1 Transfer-Encoding and Content-Length together': [
    [`${put}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
  ],
  'H2 Content-Length that is repeated, a list, or not a plain number': [
    [`${put}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: 2, 2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: +2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: -2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: 1 2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: 0x2\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length:\r\n\r\nhi`, 400, 'ERR_FRAMING'],
    [`${put}Content-Length: 9007199254740992\r\n\r\nhi`, 400, 'ERR_FRAMING'],
  ],
  'H3 Transfer-Encoding from an HTTP/1.0 client': [
    ['POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'ERR_FRAMING'],
  ],
  'H4 a transfer coding that does not end in chunked, or that is disguised': [
    [`${put}Transfer-Encoding: gzip\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: identity\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501, 'ERR_TRANSFER_CODING'],
    [`${put}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: chunked;x\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
    [`${put}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${put}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400, 'ERR_FRAMING'],
  ],
  'H5 field lines that two parsers could read two ways': [
    [`${smoke}X : 1\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: 1\r\n folded\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}\tX: 1\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: 1\rY: 2\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: 1\nY: 2\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: 1\n\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: a\0b\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X\0: b\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: a\x7fb\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X: a\x01b\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}: 1\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    [`${smoke}X\r\n\r\n`, 400, 'ERR_HEADER_SYNTAX'],
    ['GET / HTTP/1.1\nHost: a.test\n\n', 400, 'ERR_REQUEST_LINE'],
  ],
  'H9 request lines': [
    ['GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET / a HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['G(T / HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET /\x01 HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET / http/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET / HTTP/11\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET /\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
    ['GET / HTTP/2.0\r\nHost: a.test\r\n\r\n', 505, 'ERR_HTTP_VERSION'],
    ['GET / HTTP/0.9\r\nHost: a.test\r\n\r\n', 505, 'ERR_HTTP_VERSION'],
    ['\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
  ],
  'H10 Host': [
    [`${smoke}Host: b.test\r\n\r\n`, 400, 'ERR_HOST'],
    [`${smoke}Host: a.test\r\n\r\n`, 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost: a.test:port\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n', 400, 'ERR_HOST'],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 400, 'ERR_HOST'],
    ['GET http://u@b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, 'ERR_REQUEST_LINE'],
  ],
  'H11 heads beyond their bounds': [
    [`GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a.test\r\n\r\n`, 414, 'ERR_TARGET_TOO_LONG'],
    [`${smoke}X: ${'a'.repeat(33_000)}\r\n\r\n`, 431, 'ERR_HEAD_TOO_LARGE'],
    [`${smoke}${'X: 1\r\n'.repeat(101)}\r\n`, 431, 'ERR_HEAD_TOO_LARGE'],
    // Refused before the head is complete: no memory is spent on what has no end.
    [`${smoke}X: ${'a'.repeat(40_000)}`, 431, 'ERR_HEAD_TOO_LARGE'],
  ],
}

for (const [name, requests] of Object.entries(refused)) {
  test(`${name}: refused, closed, and never sent on`, async (t) => {
    const origin = await startOrigin(t)
    const gateway = await startGateway(t, { to: [origin.port] })
    for (const [at, [bytes, status, cause]] of requests.entries()) {
      const client = await gateway.connect()
      client.send(bytes)
      const reply = await client.reply()
      const shown = JSON.stringify(bytes.slice(0, 200))
      assert.equal(reply.status, status, shown)
      assert.equal(reply.field('connection'), 'close', shown)
      assert.equal(await client.over(), 'end', shown)
      const [line] = (await gateway.logged(at + 1)).slice(-1)
      assert.deepEqual([line!.status, line!.cause], [status, cause], shown)
      client.end()
    }
    assert.equal(origin.connections.length, 0)
  })
}

/** Bodies that break off inside: the head may be under way by then, a whole request never is. */
const brokenBodies: [body: string, cause: string][] = [
  ['0x5\r\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  ['+5\r\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  [' 5\r\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  ['5\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  ['5\r\nhelloX\r\n0\r\n\r\n', 'ERR_CHUNK'],
  ['5\r\nhello0\r\n\r\n', 'ERR_CHUNK'],
  ['\r\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  [`${'f'.repeat(17)}\r\n`, 'ERR_CHUNK'],
  [`5;${'x'.repeat(2_000)}\r\nhello\r\n0\r\n\r\n`, 'ERR_CHUNK'],
  ['5;a\rb\r\nhello\r\n0\r\n\r\n', 'ERR_CHUNK'],
  [`0\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, 'ERR_TRAILER'],
  ['0\r\nX : 1\r\n\r\n', 'ERR_TRAILER'],
]

test('H6 a malformed chunked body: 400, and the origin never gets a whole request', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => ok('whole')),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  for (const [at, [body, cause]] of brokenBodies.entries()) {
    const client = await gateway.connect()
    client.send(`${put}Transfer-Encoding: chunked\r\n\r\n${body}`)
    const reply = await client.reply()
    assert.equal(reply.status, 400, body)
    assert.equal(await client.over(), 'end')
    const [line] = (await gateway.logged(at + 1)).slice(-1)
    assert.deepEqual([line!.status, line!.cause], [400, cause], JSON.stringify(body.slice(0, 100)))
  }
  assert.deepEqual(origin.requests, [])
})

test('H6 chunk extensions are dropped, trailers kept apart and forwarded where they are allowed', async (t) => {
  const origin = await startOrigin(
    t,
    answering(
      () =>
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
        '2;secret=1\r\nok\r\n0;last\r\nX-Sum: 7\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nTransfer-Encoding: gzip\r\n\r\n',
    ),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(
    `${put}TE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n` +
      '5;a=b\r\nhello\r\n1;"q\\"x"\r\n!\r\n0\r\nX-Check: 1\r\nAuthorization: no\r\nHost: evil\r\nContent-Length: 3\r\n\r\n',
  )
  const reply = await client.reply()
  const [request] = origin.requests
  assert.equal(request!.body, 'hello!')
  assert.deepEqual(request!.trailers, [['x-check', '1']])
  assert.equal(request!.field('x-check'), undefined)
  assert.equal(request!.field('authorization'), undefined)
  assert.equal(reply.body, 'ok')
  assert.deepEqual(reply.trailers, [['x-sum', '7']])
  assert.equal(reply.field('set-cookie'), undefined)
  // A client that did not ask for trailers gets none (RFC 9110 §6.5.1).
  client.send(`${put}Content-Length: 0\r\n\r\n`)
  assert.deepEqual((await client.reply()).trailers, [])
})

test('H4 blanks around a transfer coding, and capitals, are legal', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  for (const value of [' \tchunked\t ', 'CHUNKED']) {
    const reply = await ask(gateway.port, `${put}Transfer-Encoding:${value}\r\n\r\n2\r\nhi\r\n0\r\n\r\n`)
    assert.equal(reply.status, 200)
  }
  assert.deepEqual(
    origin.requests.map(({ body }) => body),
    ['hi', 'hi'],
  )
})

test('H9 methods, versions above 1.1, and one leading empty line', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  assert.equal((await ask(gateway.port, 'BREW /pot HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200)
  assert.equal((await ask(gateway.port, '\r\nGET / HTTP/1.7\r\nHost: a.test\r\n\r\n')).status, 200)
  const client = await gateway.connect()
  client.send(`${post('hi')}\r\n${get()}`)
  assert.deepEqual([(await client.reply()).status, (await client.reply()).status], [200, 200])
  assert.deepEqual(
    origin.requests.map(({ line }) => line),
    ['BREW /pot HTTP/1.1', 'GET / HTTP/1.1', 'POST / HTTP/1.1', 'GET / HTTP/1.1'],
  )
})

test('H10 the absolute form wins over Host, which is made anew; a 1.0 request needs none', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await ask(gateway.port, 'GET http://B.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await ask(gateway.port, 'GET /x HTTP/1.0\r\n\r\n')
  const [absolute, old] = origin.requests
  assert.deepEqual([absolute!.line, absolute!.field('host')], ['GET /x?y HTTP/1.1', 'B.test:81'])
  assert.deepEqual([old!.line, old!.field('host')], ['GET /x HTTP/1.1', `127.0.0.1:${origin.port}`])
})
