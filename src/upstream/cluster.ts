import type { TurnpikeError } from '../core/error.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { AttemptWatcher } from '../engine/attempt-watcher.ts'
import { Pool } from '../engine/http1/pool.ts'
import type { Scope } from '../engine/scope.ts'
import type { EngineServices } from '../engine/services.ts'
import type { UpstreamSecurity } from '../engine/tls/upstream-security.ts'
import type { EndpointConfig, UpstreamConfig } from './config.ts'
import { WeightedRoundRobin } from './weighted-round-robin.ts'

/** One place that a cluster sends to, with its connections. */
export interface Endpoint {
  /** As the config names it: what logs and metrics show. */
  readonly url: string
  readonly weight: number
  readonly pool: Pool
}

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
export class Cluster implements AttemptWatcher {
  readonly name: string
  readonly endpoints: readonly Endpoint[]
  private readonly wheel: WeightedRoundRobin<Endpoint>

  constructor(options: ClusterOptions) {
    this.name = options.name
    this.endpoints = options.config.endpoints.map((endpoint) => ({
      url: endpoint.url,
      weight: endpoint.weight,
      pool: makePool(endpoint, options),
    }))
    this.wheel = new WeightedRoundRobin(this.endpoints)
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
    const tries = this.endpoints.length + (exchange.reused ? 1 : 0)
    if (repeatable && exchange.attempts < tries) this.attempt(exchange, true)
    else exchange.fail(error)
  }

  close(): void {
    for (const { pool } of this.endpoints) pool.close()
  }

  private attempt(exchange: Exchange, fresh: boolean): void {
    const endpoint = this.wheel.next()
    exchange.endpoint = endpoint.url
    endpoint.pool.send(exchange, this, fresh)
  }
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
