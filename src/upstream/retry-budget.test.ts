import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryBudget } from './retry-budget.ts'

const take = (budget: RetryBudget, now: number, count: number): number => {
  let taken = 0
  for (let at = 0; at < count; at++) if (budget.take(now)) taken++
  return taken
}

test('W12 retries are a share of the requests, ten are always allowed', () => {
  const budget = new RetryBudget(0.2)
  assert.equal(take(budget, 0, 50), 10)
  for (let at = 0; at < 1_000; at++) budget.request(500)
  assert.equal(take(budget, 600, 1_000), 190)
  assert.equal(budget.exhausted, 40 + 810)
})

test('W12 what lies back ten seconds counts no longer, requests and retries alike', () => {
  const budget = new RetryBudget(0.5)
  for (let second = 0; second < 10; second++) for (let at = 0; at < 10; at++) budget.request(second * 1_000)
  assert.equal(take(budget, 9_000, 100), 50)
  assert.equal(take(budget, 14_000, 100), 0, 'half of the requests are gone, none of the retries')
  assert.equal(take(budget, 19_000, 100), 10)
  assert.equal(take(budget, 1_000_000, 100), 10)
})
