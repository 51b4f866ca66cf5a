import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePathPattern } from '../../src/core/path-pattern.ts'
import { normaliseLiteral } from '../../src/policy/normalise-path.ts'

test('a path that the config takes can be normalised, so that no route fails after the check', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '%',
      '%2F',
      '%2e',
      '%00',
      '%c0%ae',
      '%41',
      ';',
      '\\',
      '/',
      'a',
      '~',
      '|',
      '^',
      '{',
      '}',
      '"',
      '%e0%80',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  )
  let taken = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = `/${pieces.join('')}`
      let segments: ReturnType<typeof parsePathPattern>['segments']
      try {
        segments = parsePathPattern(text).segments
      } catch (error) {
        assert.ok(error instanceof RangeError)
        return
      }
      taken++
      for (const segment of segments) if (segment.kind === 'literal') normaliseLiteral(segment.text)
    }),
    { numRuns: 3000 },
  )
  assert.ok(taken > 300)
})
