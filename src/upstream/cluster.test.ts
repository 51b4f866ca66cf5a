import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { finishedExchange } from '../../test/control/finished-exchange.ts'
import { createEngine } from '../engine/engine.ts'
import { realWorld } from '../engine/real-world.ts'
import { Scope } from '../engine/scope.ts'
import { SharedStates } from '../engine/shared-states.ts'
import { Cluster, noteFailure } from './cluster.ts'
import { upstreamSchema, type UpstreamConfig } from './config.ts'

const config = (more: object = {}): UpstreamConfig =>
  upstreamSchema.parse({ endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], ...more })

const onError = (error: unknown): void => assert.fail(String(error))

/** A cluster whose clock stands where a test says. */
function clusterAt(t: TestContext, wanted: UpstreamConfig): { cluster: Cluster; clock: { now: number } } {
  const clock = { now: 1_000 }
  const world = realWorld()
  world.now = () => clock.now
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
  t.after(() => scope.close())
  const cluster = new Cluster({ name: 'app', config: wanted, services, security: null, via: '', parents: null, scope })
  return { cluster, clock }
}

test('slowStart: the share of an endpoint that came back grows, in every balancer that goes by weights', (t) => {
  for (const balance of ['roundRobin', 'leastConnections', 'random'] as const) {
    const { cluster, clock } = clusterAt(t, config({ balance, slowStart: '100s' }))
    const [first] = cluster.members
    const share = (): number => {
      const exchange = finishedExchange()
      let count = 0
      for (let at = 0; at < 4_000; at++) if (cluster.place(exchange, clock.now) === first) count++
      return count / 4_000
    }
    clock.now = 500_000
    assert.ok(Math.abs(share() - 0.5) < 0.03)
    first!.endpoint.health.availableSince = clock.now
    // Of two, the better is drawn from both: an idle pair is as the first draw has it.
    for (const [sinceMs, expected] of [
      [1_000, 0.1 / 1.1],
      [50_000, 0.5 / 1.5],
      [100_000, 0.5],
    ] as const) {
      clock.now = 500_000 + sinceMs
      const found = share()
      assert.ok(Math.abs(found - expected) < 0.03, `${balance}, ${sinceMs} ms after: ${found}, not ${expected}`)
    }
  }
})

test('an endpoint that failed an exchange is not chosen for it again while there is another', (t) => {
  const balances = [
    'roundRobin',
    'leastConnections',
    'random',
    'peakEwma',
    { hash: 'path' },
    { sticky: { cookie: 'tp' } },
  ]
  for (const balance of balances) {
    const { cluster, clock } = clusterAt(t, config({ balance }))
    for (const { endpoint } of cluster.members) {
      const exchange = finishedExchange({ endpoint: endpoint.url })
      noteFailure(exchange, 'ERR_CONNECT_REFUSED', clock.now)
      for (let at = 0; at < 20; at++) assert.notEqual(cluster.place(exchange, clock.now)!.endpoint, endpoint)
      exchange.endpoint = cluster.members.find((each) => each.endpoint !== endpoint)!.endpoint.url
      noteFailure(exchange, 'ERR_CONNECT_REFUSED', clock.now)
      assert.notEqual(cluster.place(exchange, clock.now), null, 'all were tried: any of them')
    }
  }
})

test('nobody is fit: ERR_NO_ENDPOINT, or ERR_CIRCUIT_OPEN with the time of the next trial', (t) => {
  const breaking = clusterAt(t, config({ circuitBreaker: { consecutiveFailures: 1, openFor: '30s' } }))
  for (const { breaker } of breaking.cluster.members) breaker!.record(false, false, 1_000)
  const { clock, cluster } = breaking
  clock.now = 2_500
  assert.equal(cluster.place(finishedExchange(), clock.now), null)
  const refusal = cluster.refusal(clock.now)
  assert.deepEqual([refusal.code, refusal.fields], ['ERR_CIRCUIT_OPEN', [['Retry-After', '29']]])
  const drained = clusterAt(t, config({ endpoints: [{ url: 'http://127.0.0.1:1', draining: true }] }))
  assert.equal(drained.cluster.place(finishedExchange(), 1_000), null)
  assert.equal(drained.cluster.refusal(1_000).code, 'ERR_NO_ENDPOINT')
})

test('W5 what is known of an endpoint survives a reload that leaves its connections as they are, and goes with the last that wants it', async () => {
  const world = realWorld()
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'test' })
  const { ledger } = services
  const states = new SharedStates()
  const root = new Scope({ world, ledger, states, onError })
  const circuitBreaker = { consecutiveFailures: 2 }
  const admission = { maxInFlight: 9 }
  const load = (wanted: UpstreamConfig): { cluster: Cluster; close: () => Promise<void> } => {
    const scope = root.child()
    const cluster = new Cluster({
      name: 'app',
      config: wanted,
      services,
      security: null,
      via: '',
      parents: null,
      scope,
    })
    return { cluster, close: () => scope.close() }
  }
  const first = load(config({ circuitBreaker, admission }))
  const [one, two] = first.cluster.members
  one!.endpoint.inFlight = 3
  two!.breaker!.record(false, false, 0)
  two!.breaker!.record(false, false, 0)

  const endpoints = [{ url: 'http://127.0.0.1:2', weight: 5 }, 'http://127.0.0.1:1']
  const second = load(config({ endpoints, balance: 'leastConnections', circuitBreaker, admission }))
  assert.equal(second.cluster.admission, first.cluster.admission)
  await first.close()
  assert.equal(second.cluster.members[1]!.endpoint, one!.endpoint)
  assert.equal(second.cluster.members[0]!.breaker, two!.breaker)
  assert.equal(second.cluster.members[0]!.breaker!.state(1), 'open')

  const third = load(config({ timeouts: { firstByte: '1s' }, circuitBreaker: { consecutiveFailures: 9 } }))
  await second.close()
  assert.notEqual(third.cluster.members[0]!.endpoint, one!.endpoint, 'other timers: other connections')
  assert.equal(third.cluster.members[0]!.endpoint.health, one!.endpoint.health)
  assert.notEqual(third.cluster.members[1]!.breaker, two!.breaker, 'another breaker')
  await third.close()
  await root.close()
  assert.deepEqual([ledger.count('sharedStates'), ledger.count('scopes')], [0, 0])
})
