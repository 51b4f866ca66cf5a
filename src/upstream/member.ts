import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { AttemptWatcher } from '../engine/attempt-watcher.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { Cluster } from './cluster.ts'
import type { Endpoint } from './endpoint.ts'

/** An endpoint as one cluster sees it: its share, and what is learnt from the tries sent to it. */
export class Member implements AttemptWatcher {
  readonly endpoint: Endpoint
  /** Share of the requests, against the other members' weights. */
  readonly weight: number
  /** Takes nothing new. */
  readonly draining: boolean
  readonly breaker: CircuitBreaker | null
  private readonly cluster: Cluster

  constructor(
    cluster: Cluster,
    endpoint: Endpoint,
    { weight, draining }: { weight: number; draining: boolean },
    breaker: CircuitBreaker | null,
  ) {
    this.cluster = cluster
    this.endpoint = endpoint
    this.weight = weight
    this.draining = draining
    this.breaker = breaker
  }

  /** `watcher` passes on to this one what it hears. */
  send(exchange: Exchange, fresh: boolean, watcher: AttemptWatcher = this): void {
    const { endpoint } = this
    exchange.endpoint = endpoint.url
    endpoint.inFlight++
    endpoint.connections.send(exchange, watcher, fresh)
  }

  replied(exchange: Exchange, status: number, headers: Headers): boolean {
    this.answered(exchange, status)
    this.cluster.learns?.replied(this, exchange, headers, exchange.firstByteAt)
    return true
  }

  /** A final head came, whether the client gets it or not. */
  answered({ firstByteAt }: Exchange, status: number): void {
    if (status < 500) this.endpoint.health.recordSuccess(firstByteAt)
    else this.endpoint.health.recordFailure(firstByteAt, String(status))
  }

  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    if (!isStale(error, repeatable)) this.failed(error)
    this.cluster.attemptFailed(this, exchange, error, repeatable)
  }

  /** A try failed, if by the endpoint's fault. */
  failed(error: TurnpikeError): void {
    if (error.source !== 'upstream') return
    const now = this.cluster.services.world.now()
    this.endpoint.health.recordFailure(now, error.code)
    this.cluster.learns?.failed(this, now)
  }

  attemptEnded(_exchange: Exchange, error: TurnpikeError | null): void {
    this.endpoint.inFlight--
    if (error !== null) this.failed(error)
  }
}

/** A used connection that had closed before any byte of a reply: that says nothing of the endpoint (H19). */
export function isStale(error: TurnpikeError, repeatable: boolean): boolean {
  return repeatable && error.code === 'ERR_UPSTREAM_CLOSED'
}
