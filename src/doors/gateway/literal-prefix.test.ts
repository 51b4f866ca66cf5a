import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Pattern } from '../../core/pattern.ts'
import { literalPrefix } from './literal-prefix.ts'

test('the literal prefix of an anchored expression', () => {
  const expected: [source: string, prefix: string][] = [
    ['^/v2/(users|orders)/\\d+$', '/v2/'],
    ['^/v2/[0-9]+|x', ''],
    ['^/a\\.b\\/c', '/a.b/c'],
    ['^/ab?c', '/a'],
    ['^/ab*', '/a'],
    ['^/ab{0}c', '/a'],
    ['^/a|^/b', ''],
    ['^/a[|]b', '/a'],
    ['^/a[]|]b', '/a'],
    ['^/a[[:alpha:](]|b', ''],
    ['^/a\\Q(\\E|b', ''],
    ['^/a(b|c)', '/a'],
    ['^(?i)/a', ''],
    ['/a', ''],
    ['\\.php$', ''],
    ['^a', ''],
    ['^/', '/'],
    ['^', ''],
  ]
  for (const [source, prefix] of expected) assert.equal(literalPrefix(source), prefix, source)
})

test('whatever an expression finds itself in begins with its literal prefix', () => {
  const part = fc.constantFrom(
    '/',
    'a',
    'b',
    '.',
    '\\.',
    '(a|b)',
    '(',
    ')',
    '|',
    '[a/]',
    '[|]',
    '?',
    '*',
    '{0,1}',
    '$',
    '\\d',
  )
  const source = fc.array(part, { maxLength: 7 }).map((parts) => `^/${parts.join('')}`)
  const path = fc
    .array(fc.constantFrom('/', 'a', 'b', '.', '1', '|'), { maxLength: 5 })
    .map((parts) => `/${parts.join('')}`)
  let found = 0
  fc.assert(
    fc.property(source, fc.array(path, { minLength: 4, maxLength: 4 }), (text, paths) => {
      let pattern: Pattern
      try {
        pattern = new Pattern(text)
      } catch {
        return
      }
      for (const each of paths) {
        if (!pattern.test(each)) continue
        found++
        assert.ok(each.startsWith(literalPrefix(text)), `${text} in ${each}`)
      }
    }),
    { numRuns: 3000 },
  )
  assert.ok(found > 100)
})
