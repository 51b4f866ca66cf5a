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
      const fault = findJsonFault(each)
      // Behind a key that stands twice nothing is looked at.
      if (fault?.syntax !== false) assert.equal(fault === null, isJson(each), each)
    }),
    { numRuns: 2000 },
  )
})

test('it says where the fault is and what should stand there', () => {
  const faults: [string, number, RegExp][] = [
    ['{"a" 1}', 5, /a colon is expected/],
    ['{"a": 1,}', 8, /a key is expected/],
    ['[1 2]', 3, /a comma or \] is expected/],
    ['[1] 2', 4, /the end is expected/],
    ['[1', 2, /a comma or \] is expected/],
    ['{"a": {"a": 1}, "b": 1, "\\u0061": 2}', 24, /the key "a" stands twice/],
  ]
  for (const [text, offset, message] of faults) {
    const fault = findJsonFault(text)
    assert.equal(fault?.offset, offset, text)
    assert.match(fault.message, message)
  }
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
