import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { BucketTable } from './bucket-table.ts'
import { TokenBucket } from './token-bucket.ts'

const settings = fc.record({
  rate: fc.record({ count: fc.integer({ min: 1, max: 5_000 }), perMs: fc.constantFrom(1_000, 60_000, 3_600_000) }),
  burst: fc.integer({ min: 1, max: 500 }),
})

/** Gaps between requests, in ms with fractions as the clock has them. */
const gaps = fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { minLength: 1, maxLength: 300 })

/** Times at which a token was given, for requests with those gaps. */
function grants(bucket: TokenBucket, gapsMs: readonly number[], start: number): { asked: number[]; given: number[] } {
  let now = start
  let fullAt = -Infinity
  const asked: number[] = []
  const given: number[] = []
  for (const gap of gapsMs) {
    now += gap
    asked.push(now)
    const next = bucket.take(fullAt, now)
    if (Number.isNaN(next)) continue
    fullAt = next
    given.push(now)
  }
  return { asked, given }
}

describe('TokenBucket', () => {
  test('never more than rate × t + burst in any window', () => {
    fc.assert(
      fc.property(settings, gaps, fc.double({ min: 0, max: 1e9, noNaN: true }), (options, gapsMs, start) => {
        const { given } = grants(new TokenBucket(options), gapsMs, start)
        const perMs = options.rate.count / options.rate.perMs
        for (const [from, first] of given.entries()) {
          for (let to = from; to < given.length; to++) {
            const most = options.burst + (given[to]! - first) * perMs
            assert.ok(to - from + 1 <= most + 1e-3, `${to - from + 1} in ${given[to]! - first} ms, at most ${most}`)
          }
        }
      }),
    )
  })

  test('gives what it owes: as many as a bucket counted token by token', () => {
    fc.assert(
      fc.property(settings, gaps, (options, gapsMs) => {
        const { asked, given } = grants(new TokenBucket(options), gapsMs, 0)
        let tokens = options.burst
        let last = 0
        let expected = 0
        for (const now of asked) {
          tokens = Math.min(options.burst, tokens + ((now - last) * options.rate.count) / options.rate.perMs)
          last = now
          // Where a token is complete but for a rounding error, either answer is right.
          if (tokens < 1 && tokens > 1 - 1e-6) return
          if (tokens < 1) continue
          tokens--
          expected++
        }
        assert.equal(given.length, expected)
      }),
    )
  })

  test('says how many are left and when the next one comes', () => {
    fc.assert(
      fc.property(settings, gaps, (options, gapsMs) => {
        const bucket = new TokenBucket(options)
        let now = 0
        let fullAt = -Infinity
        for (const gap of gapsMs) {
          now += gap
          const left = bucket.remaining(fullAt, now)
          assert.ok(left >= 0 && left <= options.burst)
          const next = bucket.take(fullAt, now)
          assert.equal(Number.isNaN(next), left === 0)
          if (left === 0) {
            const wait = bucket.untilNext(fullAt, now)
            assert.ok(wait > 0 && wait <= bucket.tokenMs + 1e-3)
            assert.ok(Number.isNaN(bucket.take(fullAt, now + wait * 0.99 - 1e-3)), 'not before')
            assert.ok(!Number.isNaN(bucket.take(fullAt, now + wait + 1e-3)), 'but then')
          } else {
            fullAt = next
          }
        }
      }),
    )
  })
})

describe('BucketTable', () => {
  const options = { rate: { count: 1, perMs: 1_000 }, burst: 2 }

  test('each key has a bucket of its own', () => {
    const table = new BucketTable(options, 10)
    assert.deepEqual(
      ['a', 'a', 'a', 'b'].map((key) => table.take(key, 0)),
      [true, true, false, true],
    )
    assert.equal(table.take('a', 999), false)
    assert.equal(table.take('a', 1_000), true)
    assert.equal(table.fullTime('never seen'), -Infinity)
  })

  test('full buckets are forgotten as new keys come', () => {
    const table = new BucketTable(options, 1_000_000)
    for (let key = 0; key < 10_000; key++) table.take(`k${key}`, key)
    // Each is full again a second later, so some 1 000 are in use at any time.
    assert.ok(table.size < 4_000, `${table.size} keys`)
  })

  test('never more keys than the bound, and an empty bucket outlives a flood of new keys', () => {
    const table = new BucketTable({ rate: { count: 1, perMs: 3_600_000 }, burst: 10 }, 1_000)
    for (let taken = 0; taken < 10; taken++) assert.ok(table.take('greedy', 0))
    for (let key = 0; key < 50_000; key++) {
      assert.ok(table.take(`k${key}`, 1))
      assert.ok(table.size <= 1_000)
    }
    assert.equal(table.take('greedy', 2), false)
  })

  test('takes as a single bucket does, whatever other keys do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.nat(400))), (requests) => {
        const table = new BucketTable(options, 1_000)
        const alone = new Map<number, number>()
        let now = 0
        for (const [key, gap] of requests) {
          now += gap
          const next = table.bucket.take(alone.get(key) ?? -Infinity, now)
          if (!Number.isNaN(next)) alone.set(key, next)
          assert.equal(table.take(String(key), now), !Number.isNaN(next))
        }
      }),
    )
  })
})

test('what is spent beyond what is there is a debt that time pays', () => {
  const bucket = new TokenBucket({ rate: { count: 1000, perMs: 1000 }, burst: 100 })
  const fullAt = bucket.spend(-Infinity, 50, 100)
  assert.deepEqual([fullAt, bucket.debtMs(fullAt, 50)], [150, 0])
  const owing = bucket.spend(fullAt, 60, 500)
  assert.deepEqual([owing, bucket.debtMs(owing, 60), bucket.debtMs(owing, 600)], [650, 490, 0])
})
