import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyone, RoundRobin } from './round-robin.ts'
import { finishedExchange } from '../../../test/control/finished-exchange.ts'

const take = (weights: Record<string, number>, count: number): string => {
  const wheel = new RoundRobin(Object.entries(weights).map(([name, weight]) => ({ name, weight })))
  const exchange = finishedExchange()
  return Array.from({ length: count }, () => wheel.pick(exchange, everyone)!.name).join('')
}

test('equal weights take turns', () => {
  assert.equal(take({ a: 1, b: 1, c: 1 }, 7), 'abcabca')
})

test('weights are kept over a turn, and a turn is interleaved', () => {
  assert.equal(take({ a: 5, b: 1, c: 1 }, 7), 'aabacaa')
})

test('95 to 5 sends every twentieth elsewhere', () => {
  const turn = take({ a: 95, b: 5 }, 2000)
  assert.equal(turn.split('b').length - 1, 100)
})

test('a member of weight 0 is left out', () => {
  assert.equal(take({ a: 0, b: 1 }, 3), 'bbb')
})
