import assert from 'node:assert/strict'
import { test } from 'node:test'
import { respCommand, RespError, RespReader } from './resp.ts'

test('a command is an array of bulk strings, counted in bytes', () => {
  assert.equal(respCommand(['SET', 'clé', '']).toString(), '*3\r\n$3\r\nSET\r\n$4\r\nclé\r\n$0\r\n\r\n')
})

const replies = '+OK\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n$0\r\n\r\n-ERR no\r\n'
const values = ['OK', -12, 'a\r\n', null, null, ['x', [1]], '', new RespError('ERR no')]

test('replies are the same at every split', () => {
  const bytes = Buffer.from(replies)
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new RespReader()
    assert.deepEqual([...reader.read(bytes.subarray(0, at)), ...reader.read(bytes.subarray(at))], values, `at ${at}`)
  }
  const reader = new RespReader()
  assert.deepEqual(
    Array.from(bytes).flatMap((byte) => reader.read(Buffer.of(byte))),
    values,
  )
})

test('what is no RESP, or too much of it, is refused', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\n',
    ':x\r\n',
    ':1e3\r\n',
    '$-2\r\n',
    '$99999999\r\n',
    '*99999999\r\n',
    '*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n',
    `+${'a'.repeat(70_000)}`,
  ]) {
    assert.throws(() => new RespReader().read(Buffer.from(text)), Error, text.slice(0, 20))
  }
})
