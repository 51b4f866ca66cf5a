import type { TurnpikeError } from '../core/error.ts'
import type { AttemptWatcher } from '../engine/attempt-watcher.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Cluster } from './cluster.ts'
import type { Endpoint } from './endpoint.ts'

/** An endpoint as one cluster sees it: its share, and what becomes of the tries sent to it. */
export class Member implements AttemptWatcher {
  readonly endpoint: Endpoint
  /** Share of the requests, against the other members' weights. */
  readonly weight: number
  private readonly cluster: Cluster

  constructor(cluster: Cluster, endpoint: Endpoint, weight: number) {
    this.cluster = cluster
    this.endpoint = endpoint
    this.weight = weight
  }

  send(exchange: Exchange, fresh: boolean): void {
    exchange.endpoint = this.endpoint.url
    this.endpoint.inFlight++
    this.endpoint.connections.send(exchange, this, fresh)
  }

  replied(_exchange: Exchange, status: number): boolean {
    const { health } = this.endpoint
    if (status < 500) health.recordSuccess(this.cluster.now())
    else health.recordFailure(this.cluster.now(), String(status))
    return true
  }

  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    if (error.source === 'upstream') this.endpoint.health.recordFailure(this.cluster.now(), error.code)
    this.cluster.attemptFailed(exchange, error, repeatable)
  }

  attemptEnded(_exchange: Exchange, error: TurnpikeError | null): void {
    this.endpoint.inFlight--
    if (error?.source === 'upstream') this.endpoint.health.recordFailure(this.cluster.now(), error.code)
  }
}
