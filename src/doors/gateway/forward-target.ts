import type { Exchange } from '../../engine/exchange.ts'
import type { Cluster } from '../../upstream/cluster.ts'
import { WeightedRoundRobin, type Weighted } from '../../upstream/weighted-round-robin.ts'
import type { RouteTarget } from './gateway.ts'

interface Share extends Weighted {
  cluster: Cluster
}

/** Sends exchanges to an upstream, or to several by weight. */
export class ForwardTarget implements RouteTarget {
  readonly upgrade: readonly string[]
  private readonly wheel: WeightedRoundRobin<Share>

  constructor(shares: Share[], upgrade: readonly string[]) {
    this.upgrade = upgrade
    this.wheel = new WeightedRoundRobin(shares)
  }

  handle(exchange: Exchange): void {
    this.wheel.next().cluster.handle(exchange)
  }
}
