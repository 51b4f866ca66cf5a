import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Resolver } from './resolver.ts'
import type { ResolvedAddress } from '../world.ts'

type Answer = (error: Error | null, addresses: ResolvedAddress[]) => void

const loopback: ResolvedAddress[] = [{ address: '127.0.0.1', family: 4 }]

function asked() {
  const pending: { name: string; answer: Answer }[] = []
  const clock = { now: 0 }
  const resolver = new Resolver(
    (name, answer) => pending.push({ name, answer }),
    () => clock.now,
  )
  const results: string[] = []
  const resolve = (name: string): void =>
    resolver.resolve(name, (error, addresses) => results.push(error?.message ?? addresses[0]!.address))
  return { pending, clock, resolve, results }
}

test('askers of one name share a look-up, and its answer is fresh for 5 s', () => {
  const { pending, clock, resolve, results } = asked()
  resolve('a')
  resolve('a')
  assert.equal(pending.length, 1)
  pending[0]!.answer(null, loopback)
  assert.deepEqual(results, ['127.0.0.1', '127.0.0.1'])
  clock.now = 4_999
  resolve('a')
  assert.equal(results.length, 3)
  clock.now = 5_001
  resolve('a')
  assert.deepEqual([pending.length, results.length], [2, 3])
})

test('a failure is remembered for 1 s', () => {
  const { pending, clock, resolve, results } = asked()
  resolve('a')
  pending[0]!.answer(new Error('ENOTFOUND'), [])
  clock.now = 999
  resolve('a')
  assert.deepEqual(results, ['ENOTFOUND', 'ENOTFOUND'])
  clock.now = 1_001
  resolve('a')
  assert.equal(pending.length, 2)
})

test('two look-ups run at a time, so that a dead name server leaves threads for the rest', () => {
  const { pending, resolve, results } = asked()
  for (const name of ['a', 'b', 'c', 'd']) resolve(name)
  assert.deepEqual(
    pending.map(({ name }) => name),
    ['a', 'b'],
  )
  pending[1]!.answer(null, loopback)
  assert.deepEqual(
    pending.map(({ name }) => name),
    ['a', 'b', 'c'],
  )
  assert.equal(results.length, 1)
})

test('what waits and what is remembered is bounded', () => {
  const { pending, resolve, results } = asked()
  for (let at = 0; at < 1_003; at++) resolve(`n${at}`)
  assert.deepEqual(results, ['too many names wait to be resolved'])
  for (let at = 0; at < 1_002; at++) pending[at]!.answer(null, loopback)
  resolve('n1001')
  assert.equal(pending.length, 1_002, 'the last is still known')
  resolve('n0')
  assert.equal(pending.length, 1_003, 'the first is not')
})
