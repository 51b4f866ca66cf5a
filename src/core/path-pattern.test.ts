import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePathPattern } from './path-pattern.ts'

test('a path is taken apart at its slashes', () => {
  assert.deepEqual(parsePathPattern('/v1/{id}/{rest...}'), {
    text: '/v1/{id}/{rest...}',
    segments: [
      { kind: 'literal', text: 'v1' },
      { kind: 'capture', name: 'id' },
      { kind: 'rest', name: 'rest' },
    ],
    subtree: false,
    captures: ['id', 'rest'],
  })
})

test('a double star is everything below, itself included', () => {
  assert.deepEqual(parsePathPattern('/**').segments, [])
  assert.equal(parsePathPattern('/**').subtree, true)
  assert.deepEqual(parsePathPattern('/a/**').segments, [{ kind: 'literal', text: 'a' }])
})

test('a slash at the end makes another path', () => {
  assert.deepEqual(parsePathPattern('/').segments, [{ kind: 'literal', text: '' }])
  assert.equal(parsePathPattern('/a').segments.length, 1)
  assert.equal(parsePathPattern('/a/').segments.length, 2)
})

test('what is no path is refused', () => {
  const faults = [
    '',
    'a',
    '/a*',
    '/*',
    '/**/a',
    '/a//b',
    '/a//**',
    '/{a}/{a}',
    '/{a...}/b',
    '/{a...}/**',
    '/{',
    '/x{a}',
    '/{1}',
    '/a b',
    '/ä',
  ]
  for (const text of [...faults, '/a?b', '/a#b', '/./a', '/a/..'])
    assert.throws(() => parsePathPattern(text), RangeError, text)
})
