import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Headers } from '../../../core/headers.ts'
import { isPlain, selectionOf, type Selection } from './selection.ts'

const validators = { etag: '"abc"', lastModified: 'Sun, 22 Nov 2026 10:00:00 GMT' }
const before = 'Sun, 22 Nov 2026 09:59:59 GMT'
const later = 'Sun, 22 Nov 2026 10:00:01 GMT'

function select(fields: Record<string, string>, size = 100, method = 'GET'): Selection {
  return selectionOf(method, Headers.from(Object.entries(fields)), size, validators, true)
}

const part = (start: number, end: number): Selection => ({ kind: 'part', start, end })
const all: Selection = { kind: 'all' }

describe('G6 what a request selects', () => {
  test('one range is sent exactly', () => {
    assert.deepEqual(select({ Range: 'bytes=0-0' }), part(0, 1))
    assert.deepEqual(select({ Range: 'bytes=10-19' }), part(10, 20))
    assert.deepEqual(select({ Range: 'bytes=90-' }), part(90, 100))
    assert.deepEqual(select({ Range: 'bytes=90-500' }), part(90, 100))
    assert.deepEqual(select({ Range: 'bytes=-7' }), part(93, 100))
    assert.deepEqual(select({ Range: 'bytes=-700' }), part(0, 100))
    assert.deepEqual(select({ Range: 'BYTES=0-9' }), part(0, 10))
  })

  test('a range behind the end is 416; what is no single range of bytes is not looked at', () => {
    for (const range of ['bytes=100-', 'bytes=100-200', 'bytes=-0'])
      assert.deepEqual(select({ Range: range }), { kind: 'outside' }, range)
    assert.deepEqual(select({ Range: 'bytes=-1' }, 0), { kind: 'outside' })
    for (const range of ['bytes=5-4', 'bytes=-', 'bytes=a-b', 'bytes=0-1,5-6', 'lines=0-1', '0-1', 'bytes=0x1-2'])
      assert.deepEqual(select({ Range: range }), all, range)
  })

  test('HEAD has no range', () => {
    assert.deepEqual(select({ Range: 'bytes=0-0' }, 100, 'HEAD'), all)
  })

  test('If-Range: gone on with only where it is the same, by strong comparison', () => {
    for (const same of ['"abc"', validators.lastModified])
      assert.deepEqual(select({ Range: 'bytes=5-', 'If-Range': same }), part(5, 100))
    for (const other of ['"abd"', 'W/"abc"', before, later, 'nonsense'])
      assert.deepEqual(select({ Range: 'bytes=5-', 'If-Range': other }), all, other)
    const unknown = { etag: '', lastModified: '' }
    const headers = Headers.from([
      ['Range', 'bytes=5-'],
      ['If-Range', ''],
    ])
    assert.deepEqual(selectionOf('GET', headers, 100, unknown, true), all)
  })

  test('If-None-Match comes before If-Modified-Since', () => {
    for (const tags of ['"abc"', 'W/"abc"', '"x", "abc"', '*'])
      assert.deepEqual(select({ 'If-None-Match': tags }), { kind: 'notModified' }, tags)
    assert.deepEqual(select({ 'If-None-Match': '"x"', 'If-Modified-Since': later }), all)
    assert.deepEqual(select({ 'If-Modified-Since': validators.lastModified }), { kind: 'notModified' })
    assert.deepEqual(select({ 'If-Modified-Since': before }), all)
    assert.deepEqual(select({ 'If-Modified-Since': 'yesterday' }), all)
    assert.deepEqual(select({ 'If-None-Match': '"abc"', Range: 'bytes=0-1' }), { kind: 'notModified' })
  })

  test('If-Match and If-Unmodified-Since can fail', () => {
    assert.deepEqual(select({ 'If-Match': '"abc"' }), all)
    for (const tags of ['"x"', 'W/"abc"']) assert.deepEqual(select({ 'If-Match': tags }), { kind: 'failed' }, tags)
    assert.deepEqual(select({ 'If-Unmodified-Since': before }), { kind: 'failed' })
    assert.deepEqual(select({ 'If-Unmodified-Since': later }), all)
    assert.deepEqual(select({ 'If-Match': '"abc"', 'If-Unmodified-Since': before }), all)
  })

  test('what the go command sends is plain', () => {
    assert.equal(isPlain(Headers.from([['Accept-Encoding', 'gzip']])), true)
    for (const name of ['Range', 'If-None-Match', 'If-Modified-Since', 'If-Match', 'If-Unmodified-Since'])
      assert.equal(isPlain(Headers.from([[name, 'x']])), false, name)
  })
})
