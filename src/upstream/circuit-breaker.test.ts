import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CircuitBreaker } from './circuit-breaker.ts'

const rate = { trip: { errorRate: 0.5, minRequests: 4, within: 10_000 }, openFor: 60_000, halfOpenRequests: 2 }
const inARow = { trip: { consecutiveFailures: 3 }, openFor: 1_000, halfOpenRequests: 1 }

test('opens by a share of failures, not before there are enough requests', () => {
  const breaker = new CircuitBreaker(rate)
  for (const [at, succeeded] of [true, false, false].entries()) breaker.record(succeeded, false, at)
  assert.equal(breaker.state(3), 'closed')
  breaker.record(true, false, 3)
  assert.equal(breaker.state(3), 'closed', 'a success opens nothing')
  breaker.record(false, false, 4)
  assert.equal(breaker.state(4), 'open')
  assert.equal(breaker.allows(4), false)
  assert.equal(breaker.opensAgainAt(4), 60_004)
})

test('failures that lie back longer than `within` do not count', () => {
  const breaker = new CircuitBreaker(rate)
  for (let at = 0; at < 3; at++) breaker.record(false, false, 100)
  breaker.record(false, false, 11_200)
  assert.equal(breaker.state(11_200), 'closed')
})

test('opens by failures in a row; a success starts the count anew', () => {
  const breaker = new CircuitBreaker(inARow)
  for (const succeeded of [false, false, true, false, false]) breaker.record(succeeded, false, 0)
  assert.equal(breaker.state(0), 'closed')
  breaker.record(false, false, 0)
  assert.equal(breaker.state(0), 'open')
})

test('half-open: as many trials as said, all must succeed, and what was sent before says nothing', () => {
  const breaker = new CircuitBreaker(rate)
  for (let at = 0; at < 4; at++) breaker.record(false, false, 0)
  assert.equal(breaker.begin(59_999), false)
  assert.equal(breaker.state(60_000), 'halfOpen')
  assert.equal(breaker.begin(60_000), true)
  assert.equal(breaker.allows(60_000), true)
  assert.equal(breaker.begin(60_000), true)
  assert.equal(breaker.allows(60_000), false, 'two trials')
  breaker.record(true, true, 60_001)
  breaker.record(false, false, 60_001)
  assert.equal(breaker.state(60_001), 'halfOpen')
  assert.equal(breaker.allows(60_001), false, 'one has passed, one is under way')
  breaker.record(true, true, 60_002)
  assert.equal(breaker.state(60_002), 'closed')
  breaker.record(false, false, 60_003)
  assert.equal(breaker.state(60_003), 'closed', 'what failed before is forgotten')
})

test('half-open: a trial that fails opens it again, one without a verdict makes room for another', () => {
  const breaker = new CircuitBreaker(inARow)
  for (let at = 0; at < 3; at++) breaker.record(false, false, 0)
  assert.equal(breaker.begin(1_000), true)
  assert.equal(breaker.allows(1_000), false)
  breaker.withdraw()
  assert.equal(breaker.allows(1_000), true)
  assert.equal(breaker.begin(1_000), true)
  breaker.record(false, true, 1_500)
  assert.equal(breaker.state(2_499), 'open')
  assert.equal(breaker.state(2_500), 'halfOpen')
})
