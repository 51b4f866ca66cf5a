import { CidrSet } from '../../src/core/address.ts'
import { ForwardTarget } from '../../src/doors/gateway/forward-target.ts'
import { Gateway } from '../../src/doors/gateway/gateway.ts'
import { Router } from '../../src/doors/gateway/router.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { HttpServer } from '../../src/engine/http1/http-server.ts'
import { Listener } from '../../src/engine/listen/listener.ts'
import { Scope } from '../../src/engine/scope.ts'
import type { EngineServices, ExchangeObserver } from '../../src/engine/services.ts'
import { SharedStates } from '../../src/engine/shared-states.ts'
import type { BindAddress, DialAddress, World } from '../../src/engine/world.ts'
import { Cluster } from '../../src/upstream/cluster.ts'
import type { UpstreamConfig } from '../../src/upstream/config.ts'
import { defaultHeadLimits } from '../../src/wire/http1/head-parser.ts'

/** Short, so that lives are; long enough that only what stalls meets them. */
export const timeouts = {
  head: 900,
  idle: 3000,
  bodyProgress: 900,
  clientStall: 1500,
  connect: 700,
  firstByte: 1000,
  stall: 1200,
  total: 2000,
}

const policies: Partial<UpstreamConfig> = {
  retries: {
    maxRetries: 1,
    retryOn: ['connectFailure', 'reset', 'timeout', 404],
    methods: ['GET', 'HEAD', 'PUT', 'DELETE'],
    budget: 1,
    backOff: { base: 40, max: 40 },
    perTryTimeout: 600,
  },
  admission: { maxInFlight: 1, queue: 2, queueTimeout: 500 },
  circuitBreaker: { trip: { consecutiveFailures: 3 }, openFor: 100, halfOpenRequests: 1 },
}

export interface SimEngine {
  services: EngineServices
  listener: Listener
  server: HttpServer
  cluster: Cluster
  /** What the cluster lives in. */
  scope: Scope
}

/** The real engine with the real gateway in front of one upstream, in a world of the caller's. */
export function simEngine(
  world: World,
  observer: ExchangeObserver,
  address: BindAddress,
  origin: DialAddress,
  poolMax: number,
  withPolicies = false,
): SimEngine {
  const services = createEngine({ world, observer, pseudonym: 'sim' })
  const { ledger } = services
  const scope = new Scope({
    world,
    ledger,
    states: new SharedStates(),
    onError: (error) => {
      throw error
    },
  })
  const cluster = new Cluster({
    scope,
    name: 'app',
    services,
    security: null,
    via: 'sim',
    parents: null,
    config: {
      endpoints: [
        {
          url: 'http://origin',
          tls: false,
          raw: false,
          target: origin,
          authority: 'origin',
          weight: 1,
          draining: false,
        },
      ],
      balance: 'roundRobin',
      timeouts: { connect: timeouts.connect, tls: 500, firstByte: timeouts.firstByte, stall: timeouts.stall },
      pool: { max: poolMax, idle: 2000 },
      host: 'preserve',
      http2: false,
      tls: { minVersion: '1.2', verify: true },
      ...(withPolicies && policies),
    },
  })
  const timed = withPolicies ? cluster.timeoutsFor({ total: timeouts.total }) : undefined
  const router = Router.compile([{ name: 'all', priority: 0, match: { path: '/**' } }], () => {
    return new ForwardTarget([{ cluster, weight: 1, timeouts: timed }], ['websocket'])
  })
  const server = new HttpServer(services, new Gateway(router, observer), {
    timeouts: {
      headMs: timeouts.head,
      idleMs: timeouts.idle,
      bodyProgress: { bytes: 20, windowMs: timeouts.bodyProgress },
      stallMs: timeouts.clientStall,
    },
    limits: defaultHeadLimits,
    trustedProxies: new CidrSet([]),
    security: () => null,
  })
  const listener = new Listener(
    'web',
    address,
    { connections: 1000, proxyProtocol: null, tls: null },
    { world, wheel: services.timers, ledger: services.ledger },
    {
      connection: (socket, session) => server.accept(socket, session),
      refused: () => {},
      failed: () => {},
      refusal: () => '',
    },
  )
  return { services, listener, server, cluster, scope }
}
