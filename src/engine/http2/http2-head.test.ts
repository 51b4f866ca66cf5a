import assert from 'node:assert/strict'
import test from 'node:test'
import { TurnpikeError } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { defaultHeadLimits } from '../../wire/http1/head-parser.ts'
import { readHttp2Head } from './http2-head.ts'

const pseudo = { ':method': 'GET', ':scheme': 'https', ':authority': 'a.test', ':path': '/' }

/** A request with those fields changed (undefined: left out), and others behind them. */
function raw(changed: Record<string, string | undefined> = {}, ...more: string[]): string[] {
  const list: string[] = []
  for (const [name, value] of Object.entries({ ...pseudo, ...changed })) if (value !== undefined) list.push(name, value)
  return [...list, ...more]
}

function refusal(list: string[], limits = defaultHeadLimits): ErrorCode | 'passed' {
  try {
    readHttp2Head(list, limits)
    return 'passed'
  } catch (error) {
    assert.ok(error instanceof TurnpikeError)
    return error.code
  }
}

test('a request of pseudo-fields and fields is method, target, authority and headers, with Host and one Cookie', () => {
  const head = readHttp2Head(
    raw({ ':path': '/a?b' }, 'x-a', '1', 'cookie', 'a=1', 'cookie', 'b=2', 'content-length', '7'),
    defaultHeadLimits,
  )
  assert.deepEqual([head.method, head.target, head.authority, head.contentLength], ['GET', '/a?b', 'a.test', 7])
  assert.deepEqual(
    [...head.headers],
    [
      ['host', 'a.test'],
      ['x-a', '1'],
      ['content-length', '7'],
      ['cookie', 'a=1; b=2'],
    ],
  )
})

test('H10 Host stands in for :authority, and may not say otherwise', () => {
  const head = readHttp2Head(raw({ ':authority': undefined }, 'host', 'b.test:1'), defaultHeadLimits)
  assert.equal(head.authority, 'b.test:1')
  assert.equal(refusal(raw({}, 'host', 'A.test')), 'passed')
  for (const list of [
    raw({}, 'host', 'b.test'),
    raw({ ':authority': undefined }),
    raw({ ':authority': '' }),
    raw({ ':authority': 'user@a.test' }),
    raw({ ':authority': 'a.test/x' }),
    raw({ ':authority': undefined }, 'host', 'a.test', 'host', 'a.test'),
  ]) {
    assert.equal(refusal(list), 'ERR_HOST', list.join(' '))
  }
})

test('H9 what no HTTP/1 request line could hold is refused', () => {
  for (const changed of [
    { ':method': 'GET /x HTTP/1.1\r\nX:' },
    { ':method': 'G T' },
    { ':method': '' },
    { ':method': undefined },
    { ':path': undefined },
    { ':path': '' },
    { ':path': '*' },
    { ':path': 'a' },
    { ':path': 'http://b.test/' },
    { ':path': '/a b' },
    { ':path': '/ HTTP/1.1' },
    { ':path': '/#x' },
    { ':path': '/\u007f' },
    { ':scheme': undefined },
    { ':scheme': 'ftp' },
    { ':scheme': 'https://x' },
    { ':method': 'CONNECT' },
    { ':method': 'CONNECT', ':path': undefined, ':scheme': undefined },
  ]) {
    assert.notEqual(refusal(raw(changed)), 'passed', JSON.stringify(changed))
  }
  assert.equal(refusal(raw({ ':method': 'OPTIONS', ':path': '*' })), 'passed')
  const tunnel = { ':method': 'CONNECT', ':path': undefined, ':scheme': undefined, ':authority': 'a.test:1' }
  assert.equal(readHttp2Head(raw(tunnel), defaultHeadLimits).target, 'a.test:1')
})

test('H5 fields that would be others in HTTP/1, or none, are refused', () => {
  for (const more of [
    ['x', 'a\r\nb: c'],
    ['x', 'a\nb'],
    ['x', 'a\0b'],
    ['x', 'a\rb'],
    ['x', '\u0007'],
    ['x y', 'z'],
    ['x:', 'z'],
    ['X', 'z'],
    ['x\r\ny', 'z'],
    ['', 'z'],
    [':x', 'z'],
    [':path', '/again'],
    ['x', 'y', ':path', '/late'],
    // RFC 9113 §8.2.2
    ['connection', 'close'],
    ['keep-alive', '1'],
    ['proxy-connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'websocket'],
    ['te', 'gzip'],
    ['te', 'trailers, gzip'],
  ]) {
    assert.equal(refusal(raw({}, ...more)), 'ERR_HEADER_SYNTAX', JSON.stringify(more))
  }
  assert.equal(refusal(raw({}, 'te', 'trailers')), 'passed')
})

test('H2 a length that is none, or two, is refused', () => {
  for (const length of ['', '+1', '-1', '1,1', '0x1', '1 1', '99999999999999999']) {
    assert.equal(refusal(raw({}, 'content-length', length)), 'ERR_FRAMING', length)
  }
  assert.equal(refusal(raw({}, 'content-length', '1', 'content-length', '1')), 'ERR_FRAMING')
})

test('H11 a head is bounded in size, count and target', () => {
  const limits = { headBytes: 200, headerCount: 3, targetBytes: 50 }
  assert.equal(refusal(raw({}, 'a', '1', 'b', '2', 'c', '3'), limits), 'passed')
  assert.equal(refusal(raw({}, 'a', '1', 'b', '2', 'c', '3', 'd', '4'), limits), 'ERR_HEAD_TOO_LARGE')
  assert.equal(refusal(raw({}, 'a', 'x'.repeat(200)), limits), 'ERR_HEAD_TOO_LARGE')
  assert.equal(refusal(raw({ ':path': `/${'x'.repeat(50)}` }), limits), 'ERR_TARGET_TOO_LONG')
})
