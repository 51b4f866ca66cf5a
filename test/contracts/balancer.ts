import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../src/engine/exchange.ts'
import type { Balancer, Candidate, Candidates } from '../../src/upstream/balance/balancer.ts'
import { finishedExchange } from '../control/finished-exchange.ts'
import { Random } from '../sim/random.ts'

/** A member that a test can look into. */
export interface TestMember extends Candidate {
  readonly name: string
  readonly endpoint: { url: string; inFlight: number; latencyMs: number; latencyAt: number }
}

export interface BalancerCase {
  name: string
  /** `random` is the only chance it has. */
  make: (members: readonly TestMember[], random: () => number) => Balancer<TestMember>
  /** Gives each exchange another key; for those that bind exchanges to members. */
  key?: (exchange: Exchange, at: number) => void
}

export const member = (name: string, weight = 1): TestMember => ({
  name,
  weight,
  endpoint: { url: `http://${name}:80`, inFlight: 0, latencyMs: 0, latencyAt: 0 },
})

/** Candidates of a test's own: those that it does not refuse. */
export class TestCandidates implements Candidates<TestMember> {
  now = 1_000
  refused = new Set<TestMember>()

  allows(each: TestMember): boolean {
    return !this.refused.has(each)
  }

  weightOf({ weight }: TestMember): number {
    return weight
  }
}

/** An exchange that has nothing to be told by but its address and path. */
export function exchangeAt(at: number): Exchange {
  const exchange = finishedExchange({ clientAddress: `10.0.${at >> 8}.${at & 255}` })
  exchange.path = `/things/${at}`
  return exchange
}

/** How often each was picked, by name. */
export function shares(
  balancer: Balancer<TestMember>,
  candidates: TestCandidates,
  count: number,
  key?: BalancerCase['key'],
): Map<string, number> {
  const taken = new Map<string, number>()
  for (let at = 0; at < count; at++) {
    const exchange = exchangeAt(at)
    key?.(exchange, at)
    const picked = balancer.pick(exchange, candidates)
    assert.ok(picked !== null)
    taken.set(picked.name, (taken.get(picked.name) ?? 0) + 1)
  }
  return taken
}

function seeded(): () => number {
  const random = new Random(7)
  return () => random.next()
}

/** The names of 300 picks, while load comes and goes. */
function picksOf(make: BalancerCase['make'], key: BalancerCase['key']): string {
  const members = [member('a', 2), member('b'), member('c')]
  const balancer = make(members, seeded())
  const candidates = new TestCandidates()
  let picks = ''
  for (let at = 0; at < 300; at++) {
    const exchange = exchangeAt(at)
    key?.(exchange, at)
    const picked = balancer.pick(exchange, candidates)!
    picks += picked.name
    picked.endpoint.inFlight++
    if (at % 3 === 0) members.find(({ endpoint }) => endpoint.inFlight > 0)!.endpoint.inFlight--
  }
  return picks
}

/** What every balancer does, whatever it goes by. */
export function balancerContract({ name, make, key }: BalancerCase): void {
  test(`balancer ${name}: weights are kept within a twelfth`, () => {
    const members = [member('a', 5), member('b', 3), member('c', 2)]
    const count = 6_000
    const taken = shares(make(members, seeded()), new TestCandidates(), count, key)
    for (const { name: who, weight } of members) {
      const share = taken.get(who)! / count
      // The better of two draws from unequal three: no longer the weights alone, and never far from them.
      assert.ok(Math.abs(share - weight / 10) < 1 / 12, `${who} has ${share}`)
    }
  })

  test(`balancer ${name}: whoever is not allowed is never picked, and the others share what it had`, () => {
    const members = ['a', 'b', 'c', 'd'].map((each) => member(each))
    const candidates = new TestCandidates()
    const balancer = make(members, seeded())
    for (const gone of members) {
      candidates.refused = new Set([gone])
      const taken = shares(balancer, candidates, 900, key)
      assert.equal(taken.get(gone.name), undefined)
      for (const count of taken.values()) assert.ok(count > 200, `an even share, not ${count}`)
    }
    candidates.refused = new Set(members.slice(1))
    assert.deepEqual([...shares(balancer, candidates, 50, key).keys()], ['a'])
  })

  test(`balancer ${name}: with nobody allowed it picks nobody, and goes on as before afterwards`, () => {
    const members = [member('a'), member('b')]
    const candidates = new TestCandidates()
    candidates.refused = new Set(members)
    const balancer = make(members, seeded())
    for (let at = 0; at < 5; at++) {
      const exchange = exchangeAt(at)
      key?.(exchange, at)
      assert.equal(balancer.pick(exchange, candidates), null)
    }
    candidates.refused.clear()
    assert.equal(shares(balancer, candidates, 200, key).size, 2)
  })

  test(`balancer ${name}: the same seed gives the same picks`, () => {
    assert.equal(picksOf(make, key), picksOf(make, key))
  })

  test(`balancer ${name}: one member, and hundreds`, () => {
    assert.equal(make([member('only')], seeded()).pick(exchangeAt(0), new TestCandidates())!.name, 'only')
    const many = Array.from({ length: 300 }, (_, at) => member(`m${at}`))
    assert.ok(shares(make(many, seeded()), new TestCandidates(), 3_000, key).size > 280)
  })
}
