import type { BreakerState } from './circuit-breaker.ts'
import type { Cluster } from './cluster.ts'
import { describeHealth } from './health/describe-health.ts'

/** A cluster as the admin address and metrics show it. */
export interface ClusterView {
  name: string
  /** So few endpoints are fit that requests go to all of them. */
  panicking: boolean
  /** Null without admission. `oldestMs`: how long the first in the queue has waited, 0 for an empty one. */
  admission: { inFlight: number; queued: number; oldestMs: number } | null
  /** Retries that were wanted, and for which the budget had no room; null without `retries`. */
  retriesRefused: number | null
  endpoints: EndpointView[]
}

export interface EndpointView {
  url: string
  weight: number
  draining: boolean
  /** Tries that are not over, tunnels included. */
  inFlight: number
  /** Null without a breaker. */
  circuit: BreakerState | null
  connections: { idle: number; busy: number; dialling: number; waiting: number }
  health: unknown
}

export function describeCluster({ name, members, services, monitor, admission, retries }: Cluster): ClusterView {
  const { world } = services
  const now = world.now()
  return {
    name,
    panicking: monitor?.panicking(now) ?? false,
    admission:
      admission === null
        ? null
        : {
            inFlight: admission.inFlight,
            queued: admission.queued,
            oldestMs: Math.round(now - (admission.oldest ?? now)),
          },
    retriesRefused: retries === null ? null : retries.budget.exhausted,
    endpoints: members.map(({ endpoint: { url, connections, inFlight, health }, weight, draining, breaker }) => ({
      url,
      weight,
      draining,
      inFlight,
      circuit: breaker === null ? null : breaker.state(now),
      connections: connections.counts,
      health: describeHealth(health, world),
    })),
  }
}
