import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everySplit } from '../../../test/wire/every-split.ts'
import { defaultHeadLimits, FAULTY, MORE, type HeadLimits } from './head-parser.ts'
import { ResponseHeadParser, type ResponseHead } from './response-head.ts'

interface Reading {
  outcome: string
  taken: number
  head: ResponseHead | null
}

function read(pieces: Iterable<Buffer>, limits: HeadLimits): Reading {
  const parser = new ResponseHeadParser(limits)
  let taken = 0
  for (const piece of pieces) {
    const after = parser.read(piece, 0, piece.length)
    if (after === FAULTY) return { outcome: parser.error.code, taken: -1, head: null }
    if (after !== MORE) return { outcome: 'complete', taken: taken + after, head: parser.head }
    taken += piece.length
  }
  return { outcome: 'more', taken, head: null }
}

function parse(text: string, limits: Partial<HeadLimits> = {}): Reading {
  return everySplit(Buffer.from(text, 'latin1'), (pieces) => read(pieces, { ...defaultHeadLimits, ...limits }))
}

const ok = (fields: string): string => `HTTP/1.1 200 OK\r\n${fields}\r\n`

const refused: [spec: string, text: string, code: string][] = [
  ['H1 Transfer-Encoding and Content-Length', ok('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n'), 'FRAMING'],
  ['H1 another coding and Content-Length', ok('Transfer-Encoding: gzip\r\nContent-Length: 3\r\n'), 'FRAMING'],
  ['H2 two equal lengths', ok('Content-Length: 3\r\nContent-Length: 3\r\n'), 'FRAMING'],
  ['H2 a list of lengths', ok('Content-Length: 3,3\r\n'), 'FRAMING'],
  ['H2 a sign', ok('Content-Length: +3\r\n'), 'FRAMING'],
  ['H2 above 2^53-1', ok('Content-Length: 9007199254740992\r\n'), 'FRAMING'],
  ['H2 a length that is folded', ok('Content-Length: 3\r\n 4\r\n'), 'FRAMING'],
  ['H3 a coding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'FRAMING'],
  ['H4 chunked twice', ok('Transfer-Encoding: chunked, chunked\r\n'), 'FRAMING'],
  ['H4 chunked;x', ok('Transfer-Encoding: chunked;x\r\n'), 'FRAMING'],
  ['H4 another coding before chunked', ok('Transfer-Encoding: gzip, chunked\r\n'), 'FRAMING'],
  ['H4 a control byte', ok('Transfer-Encoding: \x0bchunked\r\n'), 'HEAD'],
  ['H5 a blank inside a name', ok('X Y: b\r\n'), 'HEAD'],
  ['H5 a blank before the first field', ok(' X: b\r\n'), 'HEAD'],
  ['H5 a bare CR', ok('X: b\rc\r\n'), 'HEAD'],
  ['H5 a bare LF', ok('X: b\nY: c\r\n'), 'HEAD'],
  ['H5 NUL', ok('X: b\0\r\n'), 'HEAD'],
  ['H5 NUL in a folded line', ok('X: b\r\n c\0\r\n'), 'HEAD'],
  ['H5 an empty name', ok(': b\r\n'), 'HEAD'],
  ['H5 no colon', ok('X\r\n'), 'HEAD'],
  ['H9 lower case', 'http/1.1 200 OK\r\n\r\n', 'HEAD'],
  ['H9 HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', 'HEAD'],
  ['H9 another protocol', 'ICY 200 OK\r\n\r\n', 'HEAD'],
  ['H9 a leading empty line', `\r\n${ok('')}`, 'HEAD'],
  ['RFC 9112 §4 two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'HEAD'],
  ['RFC 9112 §4 four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'HEAD'],
  ['RFC 9112 §4 a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'HEAD'],
  ['RFC 9112 §4 two blanks', 'HTTP/1.1  200 OK\r\n\r\n', 'HEAD'],
  ['RFC 9112 §4 a control byte in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n', 'HEAD'],
  ['RFC 9112 §4 a bare LF', 'HTTP/1.1 200 OK\n\r\n', 'HEAD'],
]

for (const [spec, text, code] of refused) {
  test(`${spec} is refused: ERR_UPSTREAM_${code}`, () => assert.equal(parse(text).outcome, `ERR_UPSTREAM_${code}`))
}

test('a reply head is read with its status, reason, version, fields and size', () => {
  const text = 'HTTP/1.1 404 Not\tHere \xe4\r\nX: \t a \r\nContent-Length: 7\r\n\r\n'
  const { head, taken } = parse(text)
  assert.deepEqual([head?.status, head?.reason, head?.versionMinor], [404, 'Not\tHere \xe4', 1])
  assert.deepEqual(
    [...head!.headers],
    [
      ['X', 'a'],
      ['Content-Length', '7'],
    ],
  )
  assert.deepEqual([head?.contentLength, head?.bytes, taken], [7, text.length, text.length])
  assert.equal(parse('HTTP/1.1 999 \r\n\r\n').head?.reason, '')
  assert.equal(parse('HTTP/1.7 200\r\n\r\n').head?.versionMinor, 1)
})

test('H5 a blank before the colon is removed, a folded line becomes a blank', () => {
  const text = ok('A \t : b\r\nX: c\r\n \t d:e \r\n\tf\r\n \r\nY\t:\r\nContent-Length : 3\r\n')
  const { head, taken } = parse(text)
  assert.equal(head!.headers.toText(), 'A: b\r\nX: c d:e  f \r\nY:\r\nContent-Length: 3\r\n')
  assert.deepEqual(
    [head!.status, head!.reason, head!.headers.get('x'), head!.contentLength],
    [200, 'OK', 'c d:e  f', 3],
  )
  assert.deepEqual([head!.bytes, taken], [text.length, text.length])
})

test('H5 cleaning takes linear time on long runs of blanks', () => {
  const blanks = ' '.repeat(15_000)
  const text = Buffer.from(
    ok(`A${blanks}: b${blanks}c\r\n${blanks}d\r\nTransfer-Encoding: a${' '.repeat(15_000)};\r\n`),
  )
  const started = process.hrtime.bigint()
  const reading = read([text], { ...defaultHeadLimits, headBytes: 100_000 })
  assert.equal(reading.outcome, 'complete')
  assert.ok(process.hrtime.bigint() - started < 100_000_000n)
})

test('a parser cleans one head and reads the next as it is', () => {
  const parser = new ResponseHeadParser(defaultHeadLimits)
  const bytes = Buffer.from(ok('A : b\r\n') + ok('A: c\r\n'))
  const next = parser.read(bytes, 0, bytes.length)
  assert.equal(parser.head.headers.get('a'), 'b')
  assert.equal(parser.read(bytes, next, bytes.length), bytes.length)
  assert.deepEqual([parser.head.headers.get('a'), parser.head.bytes], ['c', bytes.length - next])
})

test('H8 no body for HEAD, 1xx, 204, 304 and a CONNECT that succeeds, whatever the fields say', () => {
  for (const fields of ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', '']) {
    for (const status of [100, 101, 103, 199, 204, 304]) {
      assert.equal(parse(`HTTP/1.1 ${status} X\r\n${fields}\r\n`).head?.framing('GET'), 'none')
    }
    assert.equal(parse(ok(fields)).head?.framing('HEAD'), 'none')
    assert.equal(parse(ok(fields)).head?.framing('CONNECT'), 'none')
  }
})

test('H4 H8 otherwise by length, by chunks, or until close', () => {
  assert.equal(parse(ok('Content-Length: 0\r\n')).head?.framing('GET'), 'length')
  assert.equal(parse(ok('Transfer-Encoding: \t Chunked\r\n')).head?.framing('GET'), 'chunked')
  assert.equal(parse(ok('')).head?.framing('GET'), 'close')
  assert.equal(parse(ok('Transfer-Encoding: identity\r\n')).head?.framing('GET'), 'close')
  assert.equal(parse(ok('Transfer-Encoding: gzip;q="1"\r\n')).head?.framing('GET'), 'close')
  assert.equal(parse('HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\n').head?.framing('CONNECT'), 'length')
})

test('H11 a reply head is bounded in bytes and in lines', () => {
  const text = ok('A: 1\r\nB: 2\r\n')
  assert.equal(parse(text, { headBytes: text.length, headerCount: 2 }).outcome, 'complete')
  assert.equal(parse(text, { headBytes: text.length - 1 }).outcome, 'ERR_UPSTREAM_HEAD_SIZE')
  assert.equal(parse(text, { headerCount: 1 }).outcome, 'ERR_UPSTREAM_HEAD_SIZE')
  assert.equal(parse(`HTTP/1.1 200 ${'x'.repeat(64)}`, { headBytes: 64 }).outcome, 'ERR_UPSTREAM_HEAD_SIZE')
})
