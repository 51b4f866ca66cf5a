import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everySplit } from '../../../test/wire/every-split.ts'
import { ChunkedDecoder, defaultChunkedLimits, type ChunkedLimits } from './chunked-decoder.ts'

interface Decoding {
  data: string
  done: boolean
  fault: string | null
  taken: number
  trailers: [string, string][] | null
}

function decode(pieces: Iterable<Buffer>, limits: ChunkedLimits): Decoding {
  const decoder = new ChunkedDecoder(limits)
  let data = ''
  let taken = 0
  for (const piece of pieces) {
    let position = 0
    while (position < piece.length && !decoder.done && decoder.fault === null) {
      position = decoder.next(piece, position, piece.length)
      data += piece.toString('latin1', decoder.dataStart, decoder.dataEnd)
    }
    taken += position
    if (decoder.done || decoder.fault !== null) break
  }
  const { done, fault, trailers } = decoder
  return { data, done, fault, taken, trailers: trailers === null ? null : [...trailers] }
}

function read(text: string, limits: Partial<ChunkedLimits> = {}): Decoding {
  return everySplit(Buffer.from(text, 'latin1'), (pieces) => decode(pieces, { ...defaultChunkedLimits, ...limits }))
}

const last = '0\r\n\r\n'

const faulty: [spec: string, text: string, fault: string][] = [
  ['no size', '\r\n', 'chunk'],
  ['0x', '0x5\r\nhello\r\n', 'chunk'],
  ['a sign', '+5\r\nhello\r\n', 'chunk'],
  ['a leading blank', ' 5\r\nhello\r\n', 'chunk'],
  ['a blank after the size', '5 \r\nhello\r\n', 'chunk'],
  ['a blank inside the size', '5 5\r\nhello\r\n', 'chunk'],
  ['a letter that is no digit', '5g\r\n', 'chunk'],
  ['a size above 2^53-1', '20000000000000\r\n', 'chunk'],
  ['a size that would overflow 64 bits', '10000000000000005\r\nhello\r\n', 'chunk'],
  ['a bare LF after the size', '5\nhello\r\n', 'chunk'],
  ['a bare CR after the size', '5\rhello\r\n', 'chunk'],
  ['CR CR LF after the size', '5\r\r\nhello\r\n', 'chunk'],
  ['a bare LF in an extension', '5;a\nhello\r\n', 'chunk'],
  ['a bare CR in an extension', '5;a\rb\r\nhello\r\n', 'chunk'],
  ['NUL in an extension', '5;a\0\r\nhello\r\n', 'chunk'],
  ['DEL in an extension', '5;a\x7f\r\nhello\r\n', 'chunk'],
  ['no line end after the data', '5\r\nhello0\r\n\r\n', 'chunk'],
  ['a bare LF after the data', '5\r\nhello\n0\r\n\r\n', 'chunk'],
  ['more data than said', '5\r\nhello!\r\n', 'chunk'],
  ['a bare LF at the end', '0\r\n\n', 'trailer'],
  ['a bare CR at the end', '0\r\n\rX', 'trailer'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n', 'trailer'],
  ['a blank before the colon of a trailer', '0\r\nX : b\r\n\r\n', 'trailer'],
  ['a folded trailer', '0\r\nX: b\r\n c\r\n\r\n', 'trailer'],
  ['an empty trailer name', '0\r\n: b\r\n\r\n', 'trailer'],
  ['NUL in a trailer', '0\r\nX: \0\r\n\r\n', 'trailer'],
  ['DEL in a trailer', '0\r\nX: \x7f\r\n\r\n', 'trailer'],
  ['a bare LF in a trailer', '0\r\nX: b\n\r\n', 'trailer'],
]

for (const [what, text, fault] of faulty) {
  test(`H6 ${what} is a fault`, () => {
    const decoding = read(text)
    assert.deepEqual([decoding.fault, decoding.done], [fault, false])
  })
}

test('H6 data, sizes in any case, extensions dropped, leading zeros; what follows is left', () => {
  const text = `5;a=b;c="d \\" \xe4"\r\nhello\r\nA \t;x\r\n0123456789\r\n000000000000000000001\r\n\n\r\n1;\r\n\r\r\n${last}`
  assert.deepEqual(read(`${text}GET /`), {
    data: 'hello0123456789\n\r',
    done: true,
    fault: null,
    taken: text.length,
    trailers: null,
  })
  assert.equal(read('1f\r\n' + 'x'.repeat(31) + `\r\n${last}`).data.length, 31)
})

test('H7 a body cut short is never done', () => {
  const text = `5\r\nhello\r\n0\r\nX: b\r\n\r\n`
  for (let size = 0; size < text.length; size++) {
    const { done, fault } = decode([Buffer.from(text.slice(0, size))], defaultChunkedLimits)
    assert.deepEqual([done, fault], [false, null])
  }
})

/** A chunk of one byte with that many bytes of extension. */
function chunk(bytes: number): string {
  return `1;${'x'.repeat(bytes - 1)}\r\na\r\n`
}

test('H6 extensions are bounded, for each chunk and for all', () => {
  assert.equal(read(chunk(8) + last, { extensionBytes: 8 }).done, true)
  assert.equal(read(chunk(9) + last, { extensionBytes: 8 }).fault, 'chunk')
  assert.equal(read(`1;${'x'.repeat(9)}`, { extensionBytes: 8 }).fault, 'chunk')
  assert.equal(read(chunk(8).repeat(16) + last, { extensionBytes: 8 }).done, true)
  assert.equal(read(chunk(8).repeat(17) + last, { extensionBytes: 8 }).fault, 'chunk')
  assert.equal(read('0'.repeat(40), { extensionBytes: 8 }).fault, 'chunk')
})

test('H6 trailers are bounded in bytes and lines', () => {
  const trailers = 'A: 1\r\nB: 2\r\n\r\n'
  assert.equal(read(`0\r\n${trailers}`, { trailerBytes: trailers.length, trailerCount: 2 }).done, true)
  assert.equal(read(`0\r\n${trailers}`, { trailerBytes: trailers.length - 1 }).fault, 'trailer')
  assert.equal(read(`0\r\n${trailers}`, { trailerCount: 1 }).fault, 'trailer')
  assert.equal(read(`0\r\nX: ${'b'.repeat(64)}`, { trailerBytes: 32 }).fault, 'trailer')
})

test('H6 RFC 9110 §6.5.1: trailers that could mislead are dropped, the rest is kept in order', () => {
  const dropped = [
    'Transfer-Encoding: chunked',
    'content-length: 3',
    'HOST: b',
    'Authorization: x',
    'Set-Cookie: a=b',
    'Content-Type: a/b',
  ]
  const text = `0\r\nX-Sum: 1\r\n${dropped.join('\r\n')}\r\ngrpc-status:0\r\nServer-Timing:\ta \r\n\r\n`
  assert.deepEqual(read(text).trailers, [
    ['X-Sum', '1'],
    ['grpc-status', '0'],
    ['Server-Timing', 'a'],
  ])
  assert.equal(read('0\r\nHost: b\r\n\r\n').trailers, null)
})

test('a caller can stop after any piece, and a decoder can be used again', () => {
  const decoder = new ChunkedDecoder()
  const bytes = Buffer.from('3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\nrest')
  for (let round = 0; round < 2; round++) {
    let position = decoder.next(bytes, 0, bytes.length)
    assert.equal(bytes.toString('latin1', decoder.dataStart, decoder.dataEnd), 'abc')
    position = decoder.next(bytes, position, bytes.length)
    assert.equal(bytes.toString('latin1', decoder.dataStart, decoder.dataEnd), 'de')
    position = decoder.next(bytes, position, bytes.length)
    assert.deepEqual([decoder.dataEnd - decoder.dataStart, decoder.done], [0, true])
    assert.equal(bytes.toString('latin1', position), 'rest')
    assert.equal(decoder.next(bytes, position, bytes.length), position)
    assert.equal(decoder.trailers?.get('x'), 'y')
    decoder.reset()
    assert.equal(decoder.trailers, null)
  }
})
