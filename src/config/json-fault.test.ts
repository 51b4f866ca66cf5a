import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findJsonFault } from './json-fault.ts'

test('it accepts what JSON.parse accepts, and nothing else', () => {
  const text = fc.oneof(
    fc.json(),
    fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', ']', '{', '"', ':', '1', ' ', '\n', 'x'))
      .map(([json, at, put]) => {
        const cut = at % (json.length + 1)
        return json.slice(0, cut) + put + json.slice(cut + 1)
      }),
  )
  fc.assert(
    fc.property(text, (each) => {
      assert.equal(findJsonFault(each) === null, isJson(each), each)
    }),
    { numRuns: 2000 },
  )
})

test('it says where the fault is and what should stand there', () => {
  assert.deepEqual(findJsonFault('{"a" 1}'), { offset: 5, expected: 'a colon' })
  assert.deepEqual(findJsonFault('{"a": 1,}'), { offset: 8, expected: 'a key' })
  assert.deepEqual(findJsonFault('[1 2]'), { offset: 3, expected: 'a comma or ]' })
  assert.deepEqual(findJsonFault('[1] 2'), { offset: 4, expected: 'the end' })
  assert.deepEqual(findJsonFault('[1'), { offset: 2, expected: 'a comma or ]' })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
