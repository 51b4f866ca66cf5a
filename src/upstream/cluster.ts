import type { TurnpikeError } from '../core/error.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Pool } from '../engine/http1/pool.ts'
import type { Scope } from '../engine/scope.ts'
import type { EngineServices } from '../engine/services.ts'
import type { UpstreamSecurity } from '../engine/tls/upstream-security.ts'
import type { EndpointConfig, UpstreamConfig } from './config.ts'
import { Endpoint, type EndpointHealth } from './endpoint.ts'
import { Member } from './member.ts'
import { WeightedRoundRobin } from './weighted-round-robin.ts'

export interface ClusterOptions {
  name: string
  config: UpstreamConfig
  services: EngineServices
  /** How `https://` endpoints are secured; null where there are none. */
  security: UpstreamSecurity | null
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** The generation's: what the cluster starts and shares ends with it, unless another generation wants it too. */
  scope: Scope
}

/** The endpoints of one upstream: chooses one for each exchange, and another where that is safe. */
export class Cluster {
  readonly name: string
  readonly members: readonly Member[]
  private readonly services: EngineServices
  private readonly wheel: WeightedRoundRobin<Member>

  constructor(options: ClusterOptions) {
    this.name = options.name
    this.services = options.services
    this.members = options.config.endpoints.map(
      (endpoint) =>
        new Member(this, new Endpoint(endpoint.url, makePool(endpoint, options), alwaysFit), endpoint.weight),
    )
    this.wheel = new WeightedRoundRobin(this.members)
  }

  handle(exchange: Exchange): void {
    exchange.upstream = this.name
    this.attempt(exchange, false)
  }

  /**
   * H19: tried again only where nothing of the request can have been acted on: once for each endpoint,
   * and once more where the first was a used connection that had closed.
   */
  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    const tries = this.members.length + (exchange.reused ? 1 : 0)
    if (repeatable && exchange.attempts < tries) this.attempt(exchange, true)
    else exchange.fail(error)
  }

  close(): void {
    for (const { endpoint } of this.members) endpoint.connections.close()
  }

  now(): number {
    return this.services.world.now()
  }

  private attempt(exchange: Exchange, fresh: boolean): void {
    this.wheel.next().send(exchange, fresh)
  }
}

/** Without probes and passive health. */
const alwaysFit: EndpointHealth = {
  up: true,
  ejectedUntil: 0,
  availableSince: 0,
  available: () => true,
  recordSuccess() {},
  recordFailure() {},
}

function makePool(endpoint: EndpointConfig, { config, services, security, via }: ClusterOptions): Pool {
  const { timeouts, pool, host } = config
  return new Pool(services, {
    target: endpoint.target,
    tls: endpoint.tls ? security : null,
    egress: {
      host,
      endpointAuthority: endpoint.authority,
      via,
      viaLine: via === '' ? '' : `Via: 1.1 ${via}\r\n`,
    },
    max: pool.max,
    idleMs: pool.idle,
    connectMs: timeouts.connect,
    tlsMs: timeouts.tls,
    timeouts: { firstByteMs: timeouts.firstByte, stallMs: timeouts.stall },
  })
}
