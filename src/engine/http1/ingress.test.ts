import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestHeadParser } from '../../wire/http1/request-head.ts'
import { hostOf, ingress, passedHere, type ConnectionFields } from './ingress.ts'

function received(lines: string[]): { fields: ConnectionFields; text: string } {
  const parser = new RequestHeadParser({ headBytes: 8192, headerCount: 100, targetBytes: 1024 })
  const bytes = Buffer.from(
    `GET / HTTP/1.1\r\nHost: a.example\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
    'latin1',
  )
  assert.equal(parser.read(bytes, 0, bytes.length), bytes.length)
  const fields = ingress(parser.head.headers)
  return { fields, text: parser.head.headers.toText() }
}

test('H13 hop-by-hop fields and those that Connection names are gone', () => {
  const { text } = received([
    'Connection: x-user-id, Keep-Alive',
    'X-User-Id: 7',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: gzip',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
    'Accept: */*',
  ])
  assert.equal(text, 'Host: a.example\r\nAccept: */*\r\n')
})

test('H13 Connection cannot take away what frames, routes or identifies', () => {
  const { text } = received([
    'Connection: content-length, host, x-forwarded-for, authorization',
    'Content-Length: 5',
    'X-Forwarded-For: 1.2.3.4',
    'Authorization: Basic eA==',
  ])
  assert.equal(
    text,
    'Host: a.example\r\nContent-Length: 5\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: Basic eA==\r\n',
  )
})

const options: [lines: string[], close: boolean, keepAlive: boolean][] = [
  [[], false, false],
  [['Connection: keep-alive'], false, true],
  [['Connection: x, Close'], true, false],
  [['Connection: x', 'Connection: close'], true, false],
  [['Connection: closed'], false, false],
  [['Connection: Keep-Alive , CLOSE'], true, true],
]
for (const [lines, close, keepAlive] of options) {
  test(`H13 ${JSON.stringify(lines)} asks for close ${close}, keep-alive ${keepAlive}`, () => {
    const { fields } = received(lines)
    assert.deepEqual([fields.close, fields.keepAlive], [close, keepAlive])
  })
}

test('H16 Upgrade counts only where Connection names it', () => {
  assert.equal(received(['Connection: Upgrade', 'Upgrade: WebSocket']).fields.upgrade, 'websocket')
  assert.equal(received(['Upgrade: websocket']).fields.upgrade, '')
  assert.equal(received(['Connection: upgrade', 'Upgrade: a', 'Upgrade: b']).fields.upgrade, 'a, b')
})

test('H13 TE: trailers is remembered, TE itself is not forwarded', () => {
  const { fields, text } = received(['TE: gzip;q=0.5, Trailers'])
  assert.equal(fields.trailers, true)
  assert.equal(text, 'Host: a.example\r\n')
})

test('H14 an instance knows its own name in Via, and no other', () => {
  const parser = new RequestHeadParser({ headBytes: 8192, headerCount: 100, targetBytes: 1024 })
  const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 fred, 1.1 me-2\r\nVia: 1.1\tme (x)\r\n\r\n')
  parser.read(bytes, 0, bytes.length)
  assert.equal(passedHere(parser.head.headers, 'me'), true)
  assert.equal(passedHere(parser.head.headers, 'me-2'), true)
  assert.equal(passedHere(parser.head.headers, 'fre'), false)
})

test('a host is lower case, without port and trailing dot', () => {
  assert.equal(hostOf('API.Example.com:8443'), 'api.example.com')
  assert.equal(hostOf('example.com.'), 'example.com')
  assert.equal(hostOf('[::1]:80'), '[::1]')
  assert.equal(hostOf(''), '')
})
