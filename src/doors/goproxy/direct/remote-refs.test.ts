import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RefReader } from './remote-refs.ts'

const a = 'a'.repeat(40)
const b = 'b'.repeat(40)
const c = 'c'.repeat(40)
const text = `${a}\tHEAD
${a}\trefs/heads/main
${c}\trefs/pull/1/head
${b}\trefs/tags/v1.0.0
${a}\trefs/tags/v1.0.0^{}
${b}\trefs/tags/größer
not a line
`

test('what ls-remote says is read the same at every split: tags by their commits, nothing that was merely proposed', () => {
  const bytes = Buffer.from(text)
  for (let split = 0; split <= bytes.length; split++) {
    const reader = new RefReader()
    reader.read(bytes.subarray(0, split))
    reader.read(bytes.subarray(split))
    const refs = reader.end()
    assert.deepEqual(Object.fromEntries(refs.hashes), {
      HEAD: a,
      'refs/heads/main': a,
      'refs/tags/v1.0.0': a,
      'refs/tags/größer': b,
    })
    assert.deepEqual(refs.tagsAt(a), ['v1.0.0'])
    assert.equal(refs.hashDigits, 40)
  }
})

function sumOf(lines: string): string {
  const reader = new RefReader()
  reader.read(Buffer.from(lines))
  return reader.end().sum
}

test('the sum tells whether anything changed', () => {
  assert.equal(sumOf(`${a}\tHEAD\n${b}\trefs/heads/x\n`), sumOf(`${b}\trefs/heads/x\n${a}\tHEAD\n`))
  assert.notEqual(sumOf(`${a}\tHEAD\n`), sumOf(`${b}\tHEAD\n`))
})
