import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { FieldChanges } from './field-changes.ts'
import { knownByName } from './header-names.ts'
import { Headers } from './headers.ts'

/** A received head of these fields, as a parser leaves it. */
function received(fields: readonly (readonly [string, string])[]): Headers {
  let text = 'GET / HTTP/1.1\r\n'
  const places: number[] = []
  for (const [name, value] of fields) {
    places.push(text.length, text.length + name.length, knownByName(name.toLowerCase()))
    text += `${name}: ${value} \r\n`
  }
  return new Headers(text, places, text.length)
}

const sorted = (headers: Headers): string[] =>
  [...headers].map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted()

const name = fc.constantFrom('Host', 'X-A', 'x-a', 'X-B', 'Date', 'Vary', 'x-other', 'Content-Type')
const field = fc.tuple(name, fc.constantFrom('1', '2', 'a, b', ''))
const fields = fc.array(field, { maxLength: 6 })
const lower = name.map((each) => each.toLowerCase())
const changes = fc.record({ remove: fc.array(lower, { maxLength: 2 }), set: fields, add: fields })

test('changed by a template or one by one, the fields are the same', () => {
  fc.assert(
    fc.property(fields, fc.array(changes, { minLength: 1, maxLength: 3 }), fields, (head, chain, added) => {
      const prepared = chain.map((each) => new FieldChanges(each))
      const template = received(head)
      template.fork()
      for (let round = 0; round < 3; round++) {
        const quick = template.fork()
        const slow = received(head)
        for (const [index, each] of prepared.entries()) {
          each.apply(quick)
          each.apply(slow)
          // What others add in between stays, and is changed too.
          const more = added[index]
          if (more !== undefined) for (const headers of [quick, slow]) headers.append(...more)
        }
        assert.deepEqual(sorted(quick), sorted(slow))
        for (const each of ['host', 'x-a', 'x-b', 'date', 'vary', 'x-other', 'content-type']) {
          assert.equal(quick.has(each), slow.has(each))
          assert.deepEqual(quick.getAll(each).toSorted(), slow.getAll(each).toSorted())
        }
        assert.equal(quick.toText().split('\r\n').length, slow.toText().split('\r\n').length)
      }
      assert.deepEqual(sorted(template), sorted(received(head)), 'the template is as it was')
    }),
  )
})

test('a fork that took changes is still intact, and leaves the other forks alone', () => {
  const template = received([
    ['Host', 'a.test'],
    ['X-Debug', '1'],
  ])
  const edge = new FieldChanges({ remove: ['x-debug'], set: [['x-edge', 'turnpike']] })
  const first = template.fork()
  const other = template.fork()
  edge.apply(first)
  assert.equal(first.toText(), 'Host: a.test \r\nx-edge: turnpike\r\n')
  assert.equal(other.toText(), 'Host: a.test \r\nX-Debug: 1 \r\n')
  const second = template.fork()
  edge.apply(second)
  assert.equal(second.intact, first.intact)
  assert.notEqual(second.intact, null)
  // The head that is kept for one is kept for those that are alike, and for no other.
  first.keptHead = 'kept'
  assert.deepEqual([second.keptHead, other.keptHead], ['kept', ''])
  second.delete('host')
  assert.equal(second.intact, null)
  assert.deepEqual([first.toText(), second.toText()], ['Host: a.test \r\nx-edge: turnpike\r\n', 'x-edge: turnpike\r\n'])
  const third = template.fork()
  edge.apply(third)
  assert.equal(third.toText(), first.toText())
})

test('values that would break a message are refused when the changes are made', () => {
  assert.throws(() => new FieldChanges({ set: [['x-a', 'a\r\nb: c']] }), { code: 'ERR_HEADER_SYNTAX' })
  assert.throws(() => new FieldChanges({ add: [['x a', 'b']] }), { code: 'ERR_HEADER_SYNTAX' })
})
