import type { EndpointConnections } from '../engine/endpoint-connections.ts'

/** Whether an endpoint is fit to be sent to, as probes and the requests themselves have found. */
export interface EndpointHealth {
  /** The probes' verdict; true where there are none. */
  readonly up: boolean
  /** Taken out by passive health until then, on the world's clock; 0 for not. */
  readonly ejectedUntil: number
  /** When it last became fit, on the world's clock: what slow start counts from. */
  readonly availableSince: number
  /** Up, and not ejected. */
  available(now: number): boolean
  /** A request to it was answered. */
  recordSuccess(now: number): void
  /** A request to it failed: `reason` is a cause code or a status. */
  recordFailure(now: number, reason: string): void
}

/** One place that a cluster sends to. It outlives reloads that leave its connection settings alone. */
export class Endpoint {
  /** As the config names it: what logs and metrics show. */
  readonly url: string
  readonly connections: EndpointConnections
  readonly health: EndpointHealth
  /** Tries that have begun and are not over, tunnels included. */
  inFlight = 0

  constructor(url: string, connections: EndpointConnections, health: EndpointHealth) {
    this.url = url
    this.connections = connections
    this.health = health
  }
}
