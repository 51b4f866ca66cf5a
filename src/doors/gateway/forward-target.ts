import type { Exchange } from '../../engine/exchange.ts'
import type { RouteTimeouts } from '../../engine/upstream-timeouts.ts'
import { everyone, RoundRobin, type Weighted } from '../../upstream/balance/round-robin.ts'
import type { Cluster } from '../../upstream/cluster.ts'
import type { RouteTarget } from './gateway.ts'

interface Share extends Weighted {
  cluster: Cluster
  /** What the route says of the timers, filled up with the upstream's own; absent for nothing. */
  timeouts?: RouteTimeouts | undefined
}

/** Sends exchanges to an upstream, or to several by weight. */
export class ForwardTarget implements RouteTarget {
  readonly upgrade: readonly string[]
  private readonly wheel: RoundRobin<Share>

  constructor(shares: Share[], upgrade: readonly string[]) {
    this.upgrade = upgrade
    this.wheel = new RoundRobin(shares)
  }

  handle(exchange: Exchange): void {
    const { cluster, timeouts } = this.wheel.pick(exchange, everyone)!
    if (timeouts !== undefined) exchange.timeouts = timeouts
    cluster.handle(exchange)
  }
}
