import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestIds, requestIdPrefix } from './request-id.ts'

test('an id is its prefix and the sequence in base 36, in any order of asking, and never twice', () => {
  const ids = new RequestIds('abc123')
  const seen = new Set<string>()
  for (let sequence = 0; sequence < 5000; sequence++) seen.add(ids.at(sequence))
  assert.equal(seen.size, 5000)
  for (const sequence of [46_656, 0, 1296, 1295, 2 ** 40, 46_656, 2 ** 40 + 1]) {
    const digits = ids.at(sequence).slice('abc123-'.length)
    assert.equal(Number.parseInt(digits, 36), sequence)
    assert.match(digits, /^[0-9a-z]{2,}$/)
  }
})

test('a prefix is six characters of whatever chance gives', () => {
  assert.equal(
    requestIdPrefix(() => 0),
    '000000',
  )
  assert.equal(
    requestIdPrefix(() => 0.9999),
    'zzzzzz',
  )
})
