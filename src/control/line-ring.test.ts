import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LineRing } from './line-ring.ts'

const line = (number: number, length: number): string => {
  const start = `{"id":"${number}","x":"`
  return `${start}${'x'.repeat(Math.max(0, length - start.length - 3))}"}\n`
}

const idOf = (text: string): number => {
  const { id }: { id: string } = JSON.parse(text)
  return Number(id)
}

/** A generator of numbers that is the same in every run. */
function* chance(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    yield state
  }
}

describe('the ring of lines', () => {
  test('what is read and what was dropped is all there was, in order and whole, over many laps', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = chance(seed)
      const next = (below: number): number => random.next().value! % below
      const ring = new LineRing(1000 + next(300), true)
      const target = Buffer.alloc(260)
      let read = ''
      let added = 0
      const take = (): void => {
        const start = next(2)
        const bytes = ring.take(target, start)
        read += target.toString('latin1', start, start + bytes)
      }
      for (let step = 0; step < 600; step++) {
        if (next(3) > 0) ring.add(line(added++, 25 + next(150)))
        else take()
      }
      while (ring.waiting > 0) take()
      const numbers = read
        .split('\n')
        .filter((each) => each !== '')
        .map((each) => idOf(each))
      assert.equal(numbers.length + ring.dropped, added, `seed ${seed}`)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
        `seed ${seed}`,
      )
      assert.equal(new Set(numbers).size, numbers.length, `seed ${seed}`)
    }
  })

  test('a line is found while it is whole, and never in part', () => {
    for (const hasReader of [true, false]) {
      const ring = new LineRing(1000, hasReader)
      const random = chance(7)
      for (let number = 0; number < 500; number++) {
        ring.add(line(number, 30 + (random.next().value! % 90)))
        let misses = 0
        for (let back = number; back >= Math.max(0, number - 40); back--) {
          const found = ring.find(`"id":"${back}"`)
          if (found === null) misses++
          else {
            assert.equal(idOf(found), back)
            assert.equal(misses, 0, 'older lines go first')
          }
        }
        assert.ok(number < 40 || misses > 0)
        assert.ok(misses < 40 - 5, 'a thousand bytes remember several lines')
      }
    }
  })

  test('without a reader nothing counts as dropped, and nothing waits for one that never comes', () => {
    const ring = new LineRing(500, false)
    for (let number = 0; number < 100; number++) ring.add(line(number, 50))
    assert.equal(ring.dropped, 0)
    assert.notEqual(ring.find('"id":"99"'), null)
  })

  test('a line that is too long is dropped, not split', () => {
    const ring = new LineRing(1000, true)
    ring.add(line(1, 50))
    ring.add(line(3, 1300))
    assert.equal(ring.dropped, 1)
    assert.notEqual(ring.find('"id":"1"'), null)
  })
})
