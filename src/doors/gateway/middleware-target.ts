import type { Exchange } from '../../engine/exchange.ts'
import { MiddlewareRun } from '../../engine/middleware/middleware-run.ts'
import type { MiddlewareChains } from '../../engine/middleware/middleware-chains.ts'
import type { RouteTarget } from './gateway.ts'
import type { Route } from './route.ts'

/** Puts middleware in front of what serves a route. */
export class MiddlewareTarget implements RouteTarget {
  readonly upgrade: readonly string[]
  private readonly target: RouteTarget
  private readonly chains: MiddlewareChains

  constructor(target: RouteTarget, chains: MiddlewareChains) {
    this.upgrade = target.upgrade
    this.target = target
    this.chains = chains
  }

  handle(exchange: Exchange, route: Route<RouteTarget>, matchPath: string): void {
    const { chains, target } = this
    MiddlewareRun.start(chains.on(exchange.session.listener), exchange, chains.report, () =>
      target.handle(exchange, route, matchPath),
    )
  }
}
