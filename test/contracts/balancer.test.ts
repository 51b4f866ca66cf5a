import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Headers } from '../../src/core/headers.ts'
import { makeBalancer } from '../../src/upstream/balance/make-balancer.ts'
import type { Balancer } from '../../src/upstream/balance/balancer.ts'
import type { BalanceConfig } from '../../src/upstream/balance/config.ts'
import { finishedExchange } from '../control/finished-exchange.ts'
import { Random } from '../sim/random.ts'
import {
  balancerContract,
  exchangeAt,
  member,
  shares,
  TestCandidates,
  type BalancerCase,
  type TestMember,
} from './balancer.ts'

const made =
  (balance: BalanceConfig): BalancerCase['make'] =>
  (members, random) =>
    makeBalancer({ balance, members, world: { random }, slowStart: false, name: 'app' })

const seeded = (): (() => number) => {
  const random = new Random(3)
  return () => random.next()
}

const bound: BalancerCase[] = [
  { name: 'hash by clientIp', make: made({ hash: 'clientIp' }) },
  { name: 'hash by path', make: made({ hash: 'path' }) },
  {
    name: 'hash by header',
    make: made({ hash: { header: 'x-tenant' } }),
    key: (exchange, at) => exchange.headers.append('X-Tenant', `tenant-${at}`),
  },
  {
    name: 'hash by cookie',
    make: made({ hash: { cookie: 'sid' } }),
    key: (exchange, at) => exchange.headers.append('Cookie', `a=b; sid=${at}; c=d`),
  },
]

for (const each of [
  { name: 'roundRobin', make: made('roundRobin') },
  { name: 'leastConnections', make: made('leastConnections') },
  { name: 'random', make: made('random') },
  { name: 'peakEwma', make: made('peakEwma') },
  { name: 'sticky', make: made({ sticky: { cookie: 'tp' } }) },
  ...bound,
]) {
  balancerContract(each)
}

for (const { name, make, key } of bound) {
  test(`${name}: the same key goes to the same member; one that goes moves its own share alone, one that comes takes its own`, () => {
    const five = ['a', 'b', 'c', 'd', 'e'].map((each) => member(each))
    const candidates = new TestCandidates()
    const placed = (balancer: Balancer<TestMember>): string[] =>
      Array.from({ length: 2_000 }, (_, at) => {
        const exchange = exchangeAt(at)
        key?.(exchange, at)
        return balancer.pick(exchange, candidates)!.name
      })
    const balancer = make(five, seeded())
    const before = placed(balancer)
    assert.deepEqual(placed(balancer), before)
    candidates.refused = new Set([five[2]!])
    const without = placed(balancer)
    for (const [at, was] of before.entries()) if (was !== 'c') assert.equal(without[at], was)
    assert.deepEqual(placed(make(five.toSpliced(2, 1), seeded())), without, 'gone from the config: the same as unfit')
    candidates.refused.clear()
    const more = placed(make([...five, member('f')], seeded()))
    for (const [at, is] of more.entries()) if (is !== 'f') assert.equal(is, before[at])
    assert.ok(more.filter((is) => is === 'f').length > 200)
  })
}

test('hash: an exchange without its key goes to anyone in turn', () => {
  const balancer = made({ hash: { header: 'x-tenant' } })([member('a'), member('b')], seeded())
  assert.deepEqual([...shares(balancer, new TestCandidates(), 100).values()], [50, 50])
})

test('leastConnections: the least for its weight', () => {
  const [a, b] = [member('a', 2), member('b')]
  const balancer = made('leastConnections')([a, b], seeded())
  const candidates = new TestCandidates()
  a.endpoint.inFlight = 4
  b.endpoint.inFlight = 1
  assert.equal(balancer.pick(exchangeAt(0), candidates), b)
  b.endpoint.inFlight = 3
  assert.equal(balancer.pick(exchangeAt(0), candidates), a)
})

test('random: of two it is the one with fewer in flight', () => {
  const [a, b] = [member('a'), member('b')]
  const balancer = made('random')([a, b], seeded())
  a.endpoint.inFlight = 1
  assert.deepEqual([...shares(balancer, new TestCandidates(), 50).keys()], ['b'])
})

test('peakEwma: a peak counts at once, is forgotten over time, and a failure is not fast', () => {
  const [a, b] = [member('a'), member('b')]
  const balancer = made('peakEwma')([a, b], seeded())
  const candidates = new TestCandidates()
  const observe = (each: TestMember, latencyMs: number): void => {
    const exchange = finishedExchange()
    exchange.connectedAt = candidates.now - latencyMs
    balancer.learns!.replied(each, exchange, new Headers(), candidates.now)
  }
  const favourite = (): string[] => [...shares(balancer, candidates, 50).keys()]
  observe(a, 10)
  observe(b, 12)
  assert.deepEqual(favourite(), ['a'])
  observe(a, 200)
  assert.deepEqual(favourite(), ['b'], 'one peak is enough')
  b.endpoint.inFlight = 30
  assert.deepEqual(favourite(), ['a'], 'latency × load')
  b.endpoint.inFlight = 0
  for (let at = 0; at < 60; at++) {
    candidates.now += 1_000
    observe(a, 10)
    observe(b, 12)
  }
  assert.deepEqual(favourite(), ['a'], 'the peak is forgotten')
  balancer.learns!.failed(a, candidates.now)
  assert.deepEqual(favourite(), ['b'])
})

test('sticky: a cookie binds a client to its member, opaquely; a member that is gone loses its clients alone', () => {
  const members = ['a', 'b', 'c'].map((each) => member(each))
  const balancer = made({ sticky: { cookie: 'tp' } })(members, seeded())
  const candidates = new TestCandidates()
  const given = members.map((each) => {
    const headers = new Headers()
    balancer.learns!.replied(each, exchangeAt(0), headers, 0)
    return headers.get('set-cookie')!
  })
  for (const [at, cookie] of given.entries()) {
    assert.match(cookie, /^tp=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/)
    const exchange = exchangeAt(0)
    exchange.headers.append('Cookie', `x=y; ${cookie.split(';')[0]!}`)
    for (let again = 0; again < 4; again++) assert.equal(balancer.pick(exchange, candidates), members[at])
    const headers = new Headers()
    balancer.learns!.replied(members[at]!, exchange, headers, 0)
    assert.equal(headers.get('set-cookie'), undefined, 'the client has it already')
    candidates.refused = new Set([members[at]!])
    const other = balancer.pick(exchange, candidates)!
    assert.notEqual(other, members[at])
    balancer.learns!.replied(other, exchange, headers, 0)
    assert.equal(headers.get('set-cookie'), given[members.indexOf(other)])
    candidates.refused.clear()
  }
})

test('sticky: Secure where the client came by TLS', () => {
  const a = member('a')
  const headers = new Headers()
  const tls = { version: 'TLSv1.3', sni: '', domain: 'a.test', settings: 0 }
  const exchange = finishedExchange()
  Object.assign(exchange.session, { tls })
  made({ sticky: { cookie: 'tp' } })([a], seeded()).learns!.replied(a, exchange, headers, 0)
  assert.match(headers.get('set-cookie')!, /; Secure$/)
})
