import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { realWorld } from '../../src/engine/real-world.ts'
import type { EndpointHealth } from '../../src/upstream/health/endpoint-health.ts'
import { startMonitored, type Generation, type EndpointInput, type PassiveInput } from './monitored.ts'

const urls = (count: number) => Array.from({ length: count }, (_, index) => `http://127.0.0.1:${9001 + index}`)

/** Health without probes, on a clock that a test sets. */
function passive(
  t: TestContext,
  endpoints: number,
  input: PassiveInput,
  more = {},
  besides: EndpointInput[] = [],
): Generation & { at: (ms: number) => number } {
  const world = realWorld()
  let clock = 0
  const start = world.wallClock()
  world.now = () => clock
  world.wallClock = () => start + clock
  const made = startMonitored(t, world).generation([...urls(endpoints), ...besides], { passive: input, ...more })
  return { ...made, at: (ms) => (clock = ms) }
}

function fail(health: EndpointHealth, times: number, now: number, reason = '503'): void {
  for (let time = 0; time < times; time++) health.recordFailure(now, reason)
}

test('an endpoint is ejected after failures in a row within the time, and comes back', (t) => {
  const { healths, at } = passive(t, 4, { failures: 3, within: '10s', ejectFor: '30s' })
  const [health] = healths
  fail(health!, 2, at(1_000))
  health!.recordSuccess(at(1_001))
  fail(health!, 2, at(1_002))
  assert.ok(health!.available(at(1_003)), 'a success between them')
  fail(health!, 1, at(11_003))
  assert.ok(health!.available(at(11_003)), 'the first of three is too long ago')
  fail(health!, 2, at(11_004))
  assert.ok(!health!.available(at(11_005)))
  assert.equal(health!.ejectedUntil, 41_004)
  fail(health!, 5, at(12_000))
  assert.equal(health!.ejectedUntil, 41_004, 'what was in flight does not make it longer')
  assert.ok(!health!.available(at(41_003)))
  assert.ok(health!.available(at(41_004)))
  assert.deepEqual([health!.ejectedUntil, health!.availableSince, health!.ejections], [0, 41_004, 1])
  const [ejected, returned, ...rest] = health!.history.events
  assert.deepEqual([ejected!.event, ejected!.reason, returned!.event, rest], ['ejected', '503', 'returned', []])
  assert.equal(returned!.at - ejected!.at, 30_000)
})

test('what counts: no connection, timers, broken replies and gateway errors; never what the client did', (t) => {
  const { healths, at } = passive(t, 40, { failures: 1, maxEjected: '100%' })
  const reasons: [string, boolean][] = [
    ['ERR_CONNECT_REFUSED', true],
    ['ERR_DNS', true],
    ['ERR_TLS_CERTIFICATE', true],
    ['ERR_FIRST_BYTE_TIMEOUT', true],
    ['ERR_UPSTREAM_CLOSED', true],
    ['ERR_UPSTREAM_TRUNCATED', true],
    ['ERR_UPSTREAM_FRAMING', true],
    ['502', true],
    ['503', true],
    ['504', true],
    ['500', false],
    ['404', false],
    ['ERR_CLIENT_ABORT', false],
    ['ERR_POOL_EXHAUSTED', false],
  ]
  for (const [index, [reason, counts]] of reasons.entries()) {
    fail(healths[index]!, 1, at(1), reason)
    assert.equal(healths[index]!.available(at(2)), !counts, reason)
  }
})

test('`on` says what counts', (t) => {
  const { healths, at } = passive(t, 4, { failures: 1, maxEjected: '100%', on: ['5xx'] })
  fail(healths[0]!, 1, at(1), '500')
  fail(healths[1]!, 1, at(1), 'ERR_CONNECT_REFUSED')
  assert.deepEqual([healths[0]!.available(at(2)), healths[1]!.available(at(2))], [false, true])
  const other = passive(t, 4, { failures: 1, maxEjected: '100%', on: [500, 'timeout'] })
  fail(other.healths[0]!, 1, other.at(1), '500')
  fail(other.healths[1]!, 1, other.at(1), '503')
  fail(other.healths[2]!, 1, other.at(1), 'ERR_STALL_TIMEOUT')
  assert.deepEqual(
    other.healths.map((health) => health.available(2)),
    [false, true, false, true],
  )
})

test('an ejection is twice as long as the last one where the endpoint did not hold out, eight times at most', (t) => {
  const { healths, at } = passive(t, 4, { failures: 1, ejectFor: '10s' })
  const [health] = healths
  const lengths: number[] = []
  let now = 0
  const again = () => {
    fail(health!, 1, at(now))
    lengths.push(health!.ejectedUntil - now)
    now = at(health!.ejectedUntil)
    assert.ok(health!.available(now))
  }
  for (let time = 0; time < 6; time++) again()
  now = at(now + 79_999)
  again()
  now = at(now + 80_000)
  again()
  assert.deepEqual(lengths, [10_000, 20_000, 40_000, 80_000, 80_000, 80_000, 80_000, 10_000])
})

test('never more are ejected than `maxEjected` allows', (t) => {
  const { healths, at } = passive(t, 5, { failures: 1, ejectFor: '30s', maxEjected: '50%' })
  for (const health of healths) fail(health, 1, at(1))
  assert.deepEqual(
    healths.map((health) => health.available(at(2))),
    [false, false, true, true, true],
  )
  // When those are back, there is room for others.
  fail(healths[2]!, 1, at(30_001))
  assert.ok(healths[0]!.available(at(30_001)))
  assert.ok(!healths[2]!.available(at(30_001)))
})

test('panic: where fewer are fit than the threshold, all count, and only then', (t) => {
  const { healths, monitor, at } = passive(t, 4, { failures: 1, ejectFor: '30s', maxEjected: '100%' })
  const usable = (now: number) => healths.map((health) => monitor.usable(health, now))
  fail(healths[0]!, 1, at(1_000))
  fail(healths[1]!, 1, at(2_000))
  assert.equal(monitor.panicking(at(2_001)), false, 'half of them are not fewer than half')
  assert.deepEqual(usable(at(2_001)), [false, false, true, true])
  fail(healths[2]!, 1, at(3_000))
  assert.equal(monitor.panicking(at(3_001)), true)
  assert.deepEqual(usable(at(3_001)), [true, true, true, true])
  assert.deepEqual(usable(at(31_000)), [true, false, false, true], 'the first is back')
  assert.equal(monitor.panicking(31_000), false)
})

test('panicThreshold: 0% is never, 100% at the first', (t) => {
  const never = passive(t, 2, { failures: 1, maxEjected: '100%' }, { panicThreshold: '0%' })
  for (const health of never.healths) fail(health, 1, never.at(1))
  assert.equal(never.monitor.usable(never.healths[0]!, 2), false)
  const soon = passive(t, 10, { failures: 1 }, { panicThreshold: '100%' })
  fail(soon.healths[0]!, 1, soon.at(1))
  assert.equal(soon.monitor.usable(soon.healths[0]!, 2), true)
})

test('what drains counts for neither panic nor the cap', (t) => {
  const drained = ['http://127.0.0.2:9001', 'http://127.0.0.2:9002'].map((url) => ({ url, draining: true }))
  const { healths, monitor, at } = passive(t, 2, { failures: 1, maxEjected: '50%' }, {}, drained)
  const [one, other] = healths
  fail(one!, 1, at(1))
  fail(other!, 1, at(1))
  assert.deepEqual([one!.available(2), other!.available(2)], [false, true], 'one of two, not two of four')
  assert.equal(monitor.panicking(2), false)
  other!.verdict(false, 'probed')
  assert.equal(monitor.panicking(2), true)
})

test('the history keeps the last 32 events', (t) => {
  const { healths, at } = passive(t, 2, { failures: 1, ejectFor: '1s' })
  const [health] = healths
  let now = 0
  for (let time = 0; time < 40; time++) {
    fail(health!, 1, at(now))
    now = at(health!.ejectedUntil)
    health!.available(now)
  }
  assert.equal(health!.history.events.length, 32)
  assert.equal(health!.history.events.at(-1)!.event, 'returned')
  assert.equal(health!.ejections, 40)
})
