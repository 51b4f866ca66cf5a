import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { finish } from '../../core/steps.ts'
import { TextTable } from './text-table.ts'

test('a text table is a map that is asked for a part of a text', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', '~'), maxLength: 4 })
  fc.assert(
    fc.property(fc.array(word), word, word, word, (keys, before, key, after) => {
      const map = new Map(keys.map((each, index) => [each, index]))
      const table = finish(TextTable.building(map))
      for (const [each, value] of map) assert.equal(table.get(each, 0, each.length), value)
      const text = before + key + after
      assert.equal(table.get(text, before.length, before.length + key.length), map.get(key) ?? null)
    }),
  )
})
