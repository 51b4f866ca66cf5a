import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnpikeError } from '../../../core/error.ts'
import { errorText } from './error-text.ts'

const of = (message: string): string => errorText(new TurnpikeError('ERR_MODULE_UPSTREAM', { message }), 'k3v9q2-1f')

test('G8 what happened, then cause code and request', () => {
  assert.equal(of('a.example answered 502.'), 'a.example answered 502.\nERR_MODULE_UPSTREAM, request k3v9q2-1f\n')
})

test('G8 at most 8 lines and 648 bytes, none empty, whatever the message', () => {
  for (const message of [
    '',
    '\n\n',
    'a\n\nb',
    'x'.repeat(5000),
    'line\n'.repeat(50),
    'é'.repeat(1000),
    '😀'.repeat(500),
  ]) {
    const text = of(message)
    const lines = text.trimEnd().split('\n')
    assert.ok(Buffer.byteLength(text) <= 648, `${Buffer.byteLength(text)} bytes`)
    assert.ok(lines.length <= 8, `${lines.length} lines`)
    assert.ok(message.trim() === '' || lines.every((line) => line !== ''), JSON.stringify(text))
    assert.equal(lines.at(-1), 'ERR_MODULE_UPSTREAM, request k3v9q2-1f')
    assert.ok(!text.includes('\uFFFD'), 'no half characters')
  }
})

test('G8 nothing that is not printable: the go command would show none of it', () => {
  assert.equal(
    of('a\u0000b\u001b[31mc\u200bd\te\r\n\r\nf'),
    'a b [31mc d e\nf\nERR_MODULE_UPSTREAM, request k3v9q2-1f\n',
  )
})

test('credentials in a URL are not shown', () => {
  assert.match(of('https://bot:hunter2@git.example.com/a did not answer'), /^https:\/\/git\.example\.com\/a did not/)
})
