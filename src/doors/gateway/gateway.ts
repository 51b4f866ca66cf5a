import { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { countForwards, servedMethods } from '../../engine/http1/max-forwards.ts'
import type { MiddlewareChains } from '../../engine/middleware/middleware-chains.ts'
import { MiddlewareRun } from '../../engine/middleware/middleware-run.ts'
import type { Door, ExchangeObserver } from '../../engine/services.ts'
import { normalisePath } from '../../policy/normalise-path.ts'
import { RequestView } from './request-view.ts'
import type { Route } from './route.ts'
import type { Router } from './router.ts'
import type { StreamTable } from './streams/stream-table.ts'

/** What a route does with the exchanges that it wins. */
export interface RouteTarget {
  /** Protocols that a client may switch to. */
  readonly upgrade: readonly string[]
  handle(exchange: Exchange, route: Route<RouteTarget>, matchPath: string): void
}

/** The door to services of one's own: finds the route of each exchange, and lets it answer. */
export class Gateway implements Door {
  private readonly router: Router<RouteTarget>
  private readonly observer: ExchangeObserver
  private readonly unrouted: MiddlewareChains | null
  private readonly streams: StreamTable | null

  /** `unrouted`: what exchanges without a route pass; null for none. `streams`: who takes TLS that is not ended here. */
  constructor(
    router: Router<RouteTarget>,
    observer: ExchangeObserver,
    unrouted: MiddlewareChains | null = null,
    streams: StreamTable | null = null,
  ) {
    this.router = router
    this.observer = observer
    this.unrouted = unrouted
    this.streams = streams
  }

  /** Throws what the client did wrong, and ERR_NO_ROUTE. */
  handle(exchange: Exchange): void {
    if (exchange.destination?.kind === 'sni' && this.streams !== null) return this.streams.handle(exchange)
    // RFC 9110 §9.3.6: a tunnel to anywhere is not what a gateway is for (H22).
    if (exchange.method === 'CONNECT') throw new TurnpikeError('ERR_CONNECT_NOT_ALLOWED', { allow: servedMethods })
    const target = normalisePath(exchange.target)
    exchange.path = target.path
    exchange.query = target.query
    const stopped = countForwards(exchange)
    if (stopped !== null) {
      exchange.reply(stopped)
      return
    }
    const found = this.router.match(new RequestView(exchange, target))
    if (!found.found) {
      const error = new TurnpikeError(found.code, { allow: found.allow.join(', ') })
      if (this.unrouted === null) throw error
      const { unrouted } = this
      MiddlewareRun.start(unrouted.on(exchange.session.listener), exchange, unrouted.report, () => exchange.fail(error))
      return
    }
    exchange.route = found.name
    this.observer.routed(exchange)
    if (exchange.upgrade !== '' && !found.target.upgrade.includes(exchange.upgrade)) exchange.upgrade = ''
    found.target.handle(exchange, found, target.matchPath)
  }
}
