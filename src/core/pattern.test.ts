import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pattern } from './pattern.ts'

test('a pattern matches somewhere unless it is anchored', () => {
  assert.equal(new Pattern('b+').test('abbc'), true)
  assert.equal(new Pattern('^b+$').test('abbc'), false)
})

test('captures have numbers, and names where they were given', () => {
  const pattern = new Pattern('^/v2/(?P<kind>users|orders)/(\\d+)$')
  assert.deepEqual(pattern.groups, ['kind'])
  assert.equal(pattern.groupCount, 2)
  assert.deepEqual(Object.fromEntries(pattern.captures('/v2/users/7')!), { '1': 'users', '2': '7', kind: 'users' })
  assert.equal(pattern.captures('/v2/carts/7'), null)
})

test('a pattern that would hang a backtracking engine ends at once', () => {
  const started = performance.now()
  assert.equal(new Pattern('^(a+)+$').test(`${'a'.repeat(5000)}b`), false)
  assert.ok(performance.now() - started < 1000)
})

test('what is no pattern is refused with the reason', () => {
  assert.throws(() => new Pattern('(a'), /^RangeError: missing closing \)/)
  assert.throws(() => new Pattern('(?=a)'), RangeError)
  assert.throws(() => new Pattern('(a)\\1'), RangeError)
})
