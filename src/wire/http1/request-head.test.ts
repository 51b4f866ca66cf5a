import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everySplit } from '../../../test/wire/every-split.ts'
import { defaultHeadLimits, FAULTY, MORE, type HeadLimits } from './head-parser.ts'
import { RequestHeadParser, type RequestHead } from './request-head.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Feeds one head: what came of it, and how many bytes it took. */
function read(
  pieces: Iterable<Buffer>,
  limits: HeadLimits,
): { outcome: string; taken: number; head: RequestHead | null } {
  const parser = new RequestHeadParser(limits)
  let taken = 0
  for (const piece of pieces) {
    const after = parser.read(piece, 0, piece.length)
    if (after === FAULTY) return { outcome: parser.error.code, taken: -1, head: null }
    if (after !== MORE) {
      assert.equal(parser.started, false, 'a parser between heads holds nothing')
      return { outcome: 'complete', taken: taken + after, head: parser.head }
    }
    taken += piece.length
  }
  return { outcome: 'more', taken, head: null }
}

function parse(text: string, limits: Partial<HeadLimits> = {}): ReturnType<typeof read> {
  return everySplit(latin1(text), (pieces) => read(pieces, { ...defaultHeadLimits, ...limits }))
}

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const post = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const line = (first: string): string => `${first}\r\nHost: a\r\n\r\n`

const refused: [spec: string, text: string, code: string][] = [
  [
    'H1 Transfer-Encoding and Content-Length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n'),
    'ERR_FRAMING',
  ],
  [
    'H1 Content-Length and Transfer-Encoding',
    post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n'),
    'ERR_FRAMING',
  ],
  ['H2 two lengths', post('Content-Length: 3\r\nContent-Length: 4\r\n'), 'ERR_FRAMING'],
  ['H2 two equal lengths', post('Content-Length: 3\r\nContent-length: 3\r\n'), 'ERR_FRAMING'],
  ['H2 a list of lengths', post('Content-Length: 3, 3\r\n'), 'ERR_FRAMING'],
  ['H2 a plus sign', post('Content-Length: +3\r\n'), 'ERR_FRAMING'],
  ['H2 a minus sign', post('Content-Length: -0\r\n'), 'ERR_FRAMING'],
  ['H2 a blank inside', post('Content-Length: 1 2\r\n'), 'ERR_FRAMING'],
  ['H2 hexadecimal', post('Content-Length: 0x3\r\n'), 'ERR_FRAMING'],
  ['H2 an empty length', post('Content-Length:\r\n'), 'ERR_FRAMING'],
  ['H2 above 2^53-1', post('Content-Length: 9007199254740992\r\n'), 'ERR_FRAMING'],
  ['H2 far above 2^53-1', post(`Content-Length: ${'9'.repeat(400)}\r\n`), 'ERR_FRAMING'],
  ['H3 a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 'ERR_FRAMING'],
  ['H4 the last coding is another', post('Transfer-Encoding: chunked, gzip\r\n'), 'ERR_FRAMING'],
  ['H4 only another coding', post('Transfer-Encoding: identity\r\n'), 'ERR_FRAMING'],
  ['H4 xchunked', post('Transfer-Encoding: xchunked\r\n'), 'ERR_FRAMING'],
  ['H4 an unknown coding first', post('Transfer-Encoding: gzip, chunked\r\n'), 'ERR_TRANSFER_CODING'],
  [
    'H4 an unknown coding in a line before',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'),
    'ERR_TRANSFER_CODING',
  ],
  ['H4 chunked twice', post('Transfer-Encoding: chunked, chunked\r\n'), 'ERR_FRAMING'],
  ['H4 chunked in two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'), 'ERR_FRAMING'],
  ['H4 chunked;x', post('Transfer-Encoding: chunked;x\r\n'), 'ERR_FRAMING'],
  ['H4 chunked ;x before chunked', post('Transfer-Encoding: chunked ;x, chunked\r\n'), 'ERR_FRAMING'],
  ['H4 a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H4 a no-break space', post('Transfer-Encoding: \xa0chunked\r\n'), 'ERR_FRAMING'],
  ['H4 quoted', post('Transfer-Encoding: "chunked"\r\n'), 'ERR_FRAMING'],
  ['H4 an empty value', post('Transfer-Encoding:\r\n'), 'ERR_FRAMING'],
  ['H4 an empty element', post('Transfer-Encoding: chunked,\r\n'), 'ERR_FRAMING'],
  ['H5 a space before the colon', get('X : b\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a tab before the colon', get('X\t: b\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a folded line', get('X: b\r\n c\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a blank before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'ERR_HEADER_SYNTAX'],
  ['H5 a bare CR', get('X: b\rc\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a bare LF ends a line', get('X: b\nY: c\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a bare LF ends the head', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 'ERR_HEADER_SYNTAX'],
  ['H5 CR CR LF', get('X: b\r\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a bare CR instead of the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\rX', 'ERR_HEADER_SYNTAX'],
  ['H5 NUL in a value', get('X: b\0c\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 DEL in a value', get('X: b\x7fc\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 NUL in a name', get('X\0Y: b\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 a byte above ASCII in a name', get('X\xe4: b\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 an empty name', get(': b\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H5 no colon', get('X\r\n'), 'ERR_HEADER_SYNTAX'],
  ['H9 no method', line(' / HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a method that is no token', line('G(T / HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a TLS record', '\x16\x03\x01\x02\x00', 'ERR_REQUEST_LINE'],
  ['H9 two blanks', line('GET  / HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 an empty target, at once', 'GET  ', 'ERR_REQUEST_LINE'],
  ['H9 a blank in the target', line('GET /a b HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a tab in the target', line('GET /a\tb HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 NUL in the target', line('GET /a\0 HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a blank at the end', line('GET / HTTP/1.1 '), 'ERR_REQUEST_LINE'],
  ['H9 lower case', line('GET / http/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a version of two digits', line('GET / HTTP/1.10'), 'ERR_REQUEST_LINE'],
  ['H9 no minor version', line('GET / HTTP/1'), 'ERR_REQUEST_LINE'],
  ['H9 HTTP/0.9', 'GET /\r\n', 'ERR_REQUEST_LINE'],
  ['H9 HTTP/2.0', line('GET / HTTP/2.0'), 'ERR_HTTP_VERSION'],
  ['H9 HTTP/0.9 by name', line('GET / HTTP/0.9'), 'ERR_HTTP_VERSION'],
  ['H9 a bare LF', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'ERR_REQUEST_LINE'],
  ['H9 two leading empty lines', `\r\n\r\n${get('')}`, 'ERR_REQUEST_LINE'],
  ['H9 a leading bare LF', `\n${get('')}`, 'ERR_REQUEST_LINE'],
  ['H9 a fragment', line('GET /a#b HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 a target without a slash', line('GET a HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 an asterisk for GET', line('GET * HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 authority-form for GET', line('GET a:80 HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 origin-form for CONNECT', line('CONNECT / HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 CONNECT without a port', line('CONNECT a HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 CONNECT with an empty port', line('CONNECT a: HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 another scheme', line('GET ftp://a/ HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 absolute-form without a host', line('GET http:///x HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H9 absolute-form with user information', line('GET http://u@a/ HTTP/1.1'), 'ERR_REQUEST_LINE'],
  ['H10 two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 'ERR_HOST'],
  ['H10 two hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 'ERR_HOST'],
  ['H10 no host', 'GET / HTTP/1.1\r\n\r\n', 'ERR_HOST'],
  ['H10 no host with absolute-form', 'GET http://a/ HTTP/1.1\r\n\r\n', 'ERR_HOST'],
  ['H10 an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'ERR_HOST'],
  ...[
    'a@b',
    'a b',
    'a/b',
    'a:b',
    'a:65536',
    'a:80:80',
    ':80',
    '[::1',
    '[::1]x',
    '[::g]',
    '[fe80::1%25eth0]',
    'a%zz',
    'a\xe4',
  ].map((host): [string, string, string] => [
    `H10 Host: ${host}`,
    `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    'ERR_HOST',
  ]),
]

for (const [spec, text, code] of refused) {
  test(`${spec} is refused: ${code}`, () => assert.equal(parse(text).outcome, code))
}

test('H9 RFC 9112 §3.2: the four target forms, and any token as method', () => {
  for (const [method, target] of [
    ['GET', '/'],
    ['M-SEARCH', '/a?b=c%20d;e&f="{}|\\^`'],
    ['get', '//a/../b'],
    ['GET', '/\xe4\xff'],
    ['GET', 'http://a.example:8080/x?y'],
    ['GET', 'HTTPS://[::1]:443?x'],
    ['GET', 'http://a'],
    ['OPTIONS', '*'],
    ['OPTIONS', '/x'],
    ['CONNECT', 'a.example:443'],
    ['CONNECT', '[2001:db8::1]:443'],
  ]) {
    const { head } = parse(line(`${method} ${target} HTTP/1.1`))
    assert.deepEqual([head?.method, head?.target, head?.versionMinor], [method, target, 1])
  }
})

test('H9 a higher minor version is handled as 1, and 1.0 stays 1.0', () => {
  assert.equal(parse(line('GET / HTTP/1.9')).head?.versionMinor, 1)
  assert.equal(parse(line('GET / HTTP/1.0')).head?.versionMinor, 0)
})

test('H9 one leading empty line is passed over and counts as part of the head', () => {
  const { head, taken } = parse(`\r\n${get('')}`)
  assert.deepEqual([head?.method, head?.target, head?.host, head?.bytes, taken], ['GET', '/', 'a', 29, 29])
})

test('H9 an empty line alone starts no request', () => {
  const parser = new RequestHeadParser(defaultHeadLimits)
  const bytes = latin1('\r\nG')
  assert.equal(parser.read(bytes, 0, 2), MORE)
  assert.equal(parser.started, false)
  assert.equal(parser.read(bytes, 2, 3), MORE)
  assert.equal(parser.started, true)
})

test('H10 hosts as received, IPv6, ports, none in HTTP/1.0, empty where the target does not rest on it', () => {
  for (const host of [
    'A.Example',
    'a:',
    'a:0',
    'a:65535',
    '127.0.0.1:80',
    '[::ffff:1.2.3.4]:80',
    'a_b',
    'a%41',
    'xn--a',
    'a,b',
  ]) {
    assert.equal(parse(`GET / HTTP/1.1\r\nhOsT:\t${host} \r\n\r\n`).head?.host, host)
  }
  assert.equal(parse('GET / HTTP/1.0\r\n\r\n').head?.host, null)
  assert.equal(parse('GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n').head?.host, '')
})

function framing(fields: string): unknown[] {
  const { head } = parse(post(fields))
  return [head?.chunked, head?.contentLength]
}

test('H2 H4 the framing of a request', () => {
  assert.deepEqual(framing(''), [false, -1])
  assert.deepEqual(framing('Content-Length: 0\r\n'), [false, 0])
  assert.deepEqual(framing('Content-Length: \t 9007199254740991 \r\n'), [false, Number.MAX_SAFE_INTEGER])
  assert.deepEqual(framing('Content-Length: 007\r\n'), [false, 7])
  assert.deepEqual(framing('transfer-encoding:\t cHunKed \t\r\n'), [true, -1])
})

test('H5 values keep every other byte, blanks around them go', () => {
  const { head } = parse(get('X-One: \t a\tb "\\" \xe4\xff \t\r\nx-two:\r\nX-One:c\r\n'))
  assert.deepEqual(
    [...head!.headers],
    [
      ['Host', 'a'],
      ['X-One', 'a\tb "\\" \xe4\xff'],
      ['x-two', ''],
      ['X-One', 'c'],
    ],
  )
  assert.equal(head!.headers.toText(), 'Host: a\r\nX-One: \t a\tb "\\" \xe4\xff \t\r\nx-two:\r\nX-One:c\r\n')
})

test('H11 the head is bounded to the byte, whether or not a line ever ends', () => {
  const text = get('X: 12345\r\n')
  assert.equal(parse(text, { headBytes: text.length }).outcome, 'complete')
  assert.equal(parse(text, { headBytes: text.length - 1 }).outcome, 'ERR_HEAD_TOO_LARGE')
  assert.equal(parse('G'.repeat(64), { headBytes: 64 }).outcome, 'ERR_HEAD_TOO_LARGE')
  assert.equal(parse(get(`X: ${'b'.repeat(64)}`), { headBytes: 64 }).outcome, 'ERR_HEAD_TOO_LARGE')
  assert.equal(parse(get('').slice(0, -2) + 'b'.repeat(64), { headBytes: 64 }).outcome, 'ERR_HEAD_TOO_LARGE')
})

test('H11 header lines are bounded', () => {
  const text = get('A: 1\r\nB: 2\r\n')
  assert.equal(parse(text, { headerCount: 3 }).outcome, 'complete')
  assert.equal(parse(text, { headerCount: 2 }).outcome, 'ERR_HEAD_TOO_LARGE')
})

test('H11 the target is bounded, whether or not it ever ends', () => {
  assert.equal(parse(line('GET /2345678 HTTP/1.1'), { targetBytes: 8 }).outcome, 'complete')
  assert.equal(parse(line('GET /23456789 HTTP/1.1'), { targetBytes: 8 }).outcome, 'ERR_TARGET_TOO_LONG')
  assert.equal(parse('GET /23456789', { targetBytes: 8 }).outcome, 'ERR_TARGET_TOO_LONG')
})

test('H12 bytes after a head are left, and the next head starts there', () => {
  const first = post('Content-Length: 5\r\n')
  const bytes = latin1(`${first}hello${get('X: second\r\n')}`)
  const parser = new RequestHeadParser(defaultHeadLimits)
  assert.equal(parser.read(bytes, 0, bytes.length), first.length)
  const head = parser.head
  assert.equal(parser.read(bytes, first.length + 5, bytes.length), bytes.length)
  assert.deepEqual(
    [head.method, head.headers.get('x'), parser.head.method, parser.head.headers.get('x')],
    ['POST', undefined, 'GET', 'second'],
  )
})

test('a parser that found a fault, or was reset half-way, reads the next head from its start', () => {
  const parser = new RequestHeadParser(defaultHeadLimits)
  const broken = latin1(get('X : b\r\n'))
  const whole = latin1(get('X: b\r\n'))
  assert.equal(parser.read(broken, 0, broken.length), FAULTY)
  assert.equal(parser.read(whole, 0, 20), MORE)
  assert.equal(parser.started, true)
  parser.reset()
  assert.equal(parser.started, false)
  assert.equal(parser.read(whole, 0, whole.length), whole.length)
  assert.equal(parser.head.headers.get('x'), 'b')
})

function costByteByByte(size: number): number {
  const bytes = latin1(get(`X: ${'b'.repeat(size)}\r\n`))
  const parser = new RequestHeadParser({ ...defaultHeadLimits, headBytes: 1 << 20 })
  const start = process.hrtime.bigint()
  for (let at = 0; at < bytes.length; at++) parser.read(bytes, at, at + 1)
  return Number(process.hrtime.bigint() - start)
}

test('byte by byte takes linear time: four times the head, far less than sixteen times the steps', () => {
  const best = (size: number): number => Math.min(...Array.from({ length: 5 }, () => costByteByByte(size)))
  costByteByByte(100_000)
  assert.ok(best(200_000) < 10 * best(50_000))
})
