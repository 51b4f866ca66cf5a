import { Secret } from '../../src/core/secret.ts'
import { TurnpikeError } from '../../src/core/error.ts'
import type { AccessRecord } from '../../src/control/access-log.ts'
import type { ControlPort } from '../../src/control/control-port.ts'
import { ReloadHistory } from '../../src/control/reload-history.ts'
import { Metrics } from '../../src/control/metrics.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import { EndpointHealth } from '../../src/upstream/health/endpoint-health.ts'
import { finishedExchange } from './finished-exchange.ts'

export const SECRET = 'hunter2-do-not-show'

/** A process that has served a little, as the admin API sees it. */
export function controlPort(wanted: Partial<ControlPort> = {}): ControlPort {
  const metrics = new Metrics()
  const served = [
    finishedExchange(),
    finishedExchange({ status: 404, route: '', upstream: '', endpoint: '', error: new TurnpikeError('ERR_NO_ROUTE') }),
    finishedExchange({ route: 'a "quoted"\\\nroute', status: 502, error: new TurnpikeError('ERR_CONNECT_REFUSED') }),
    finishedExchange({ endpoint: 'http://127.0.0.1:9002', attempts: 2, times: { finished: 70_000 } }),
  ]
  for (const exchange of served) {
    metrics.routed(exchange)
    metrics.finish(exchange)
  }
  metrics.routed(finishedExchange())
  metrics.accepted('web')
  const line: AccessRecord = { id: 'abc123-01', route: 'users', status: 200 }
  return {
    version: '0.1.0',
    metrics,
    ledger: new Ledger(),
    reloads: new ReloadHistory(0),
    reload: () => Promise.resolve({ result: 'unchanged', revision: 'f00d', problems: [], durationMs: 1 }),
    middlewareEvents: [{ middleware: 'per-client', event: 'limited', count: 2 }],
    now: () => performance.now(),
    wallClock: () => Date.now(),
    readiness: () => [],
    config: () => ({
      revision: 'f00d',
      source: 'turnpike.yaml',
      loadedAt: 0,
      tree: {
        admin: { token: Secret.of(SECRET) },
        upstreams: [{ url: `http://user:${SECRET}@127.0.0.1/` }],
        password: SECRET,
      },
    }),
    routes: () => [{ name: 'users' }],
    upstreams: () => [
      {
        name: 'app',
        panicking: false,
        admission: { inFlight: 2, queued: 1, oldestMs: 250 },
        retriesRefused: 4,
        endpoints: [
          {
            url: 'http://127.0.0.1:9001',
            weight: 1,
            draining: false,
            inFlight: 2,
            circuit: 'halfOpen',
            connections: { idle: 1, busy: 2, dialling: 0, waiting: 0 },
            health: null,
          },
        ],
      },
    ],
    flows: () => null,
    modules: () => Promise.resolve(null),
    endpointHealth: () => [probedEndpoint()],
    logDropped: () => 3,
    loopDelay: () => ({ p50: 0.0001, p90: 0.0002, p99: 0.003, max: 0.01, count: 100, sum: 0.02 }),
    find: (id) => (id === line.id ? line : null),
    explain: () => ({ route: 'users', refusal: null, losers: [{ route: 'ping', reason: 'path' }] }),
    ...wanted,
  }
}

function probedEndpoint(): EndpointHealth {
  const health = new EndpointHealth('app', 'http://127.0.0.1:9001', { world: realWorld(), notify() {} })
  health.probes.passed = 3
  health.probes.timeout = 1
  health.probeSeconds = 1.5
  health.verdict(false, 'status 503')
  return health
}
