import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { Headers } from '../../core/headers.ts'
import { ChunkedDecoder } from './chunked-decoder.ts'
import { chunkPrefix, httpDate, lastChunk, reasonPhrase, statusLine } from './encode.ts'

test('H6 what the writer frames, the decoder reads back', () => {
  for (const size of [1, 15, 16, 255, 65_536]) {
    const data = Buffer.alloc(size, 'x')
    const trailers = Headers.from([['X-Sum', '1']])
    const text = chunkPrefix(size) + `${data.toString('latin1')}\r\n` + lastChunk(trailers)
    const bytes = Buffer.from(text, 'latin1')
    const decoder = new ChunkedDecoder()
    const position = decoder.next(bytes, 0, bytes.length)
    assert.equal(decoder.dataEnd - decoder.dataStart, size)
    assert.equal(decoder.next(bytes, position, bytes.length), bytes.length)
    assert.deepEqual([decoder.done, decoder.trailers?.get('x-sum')], [true, '1'])
  }
  assert.equal(lastChunk(null), '0\r\n\r\n')
})

test('a status line is HTTP/1.1 whatever the peer spoke', () => {
  assert.equal(statusLine(200, 'OK'), 'HTTP/1.1 200 OK\r\n')
  assert.equal(statusLine(299, ''), 'HTTP/1.1 299 \r\n')
})

test('reason phrases are those of the registry', () => {
  const renamed = new Set(['413', '418', '422', '509', '510', '102'])
  for (const [status, phrase] of Object.entries(STATUS_CODES)) {
    if (!renamed.has(status)) assert.equal(reasonPhrase(Number(status)), phrase)
  }
  assert.equal(reasonPhrase(413), 'Content Too Large')
  assert.equal(reasonPhrase(299), '')
})

test('RFC 9110 §5.6.7 dates have fixed length', () => {
  assert.equal(httpDate(784_111_777_000), 'Sun, 06 Nov 1994 08:49:37 GMT')
})
