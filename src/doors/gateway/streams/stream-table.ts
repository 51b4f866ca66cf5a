import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { MiddlewareRun } from '../../../engine/middleware/middleware-run.ts'
import type { MiddlewareChains } from '../../../engine/middleware/middleware-chains.ts'
import type { ExchangeObserver } from '../../../engine/services.ts'
import type { RouteTimeouts } from '../../../engine/upstream-timeouts.ts'
import type { Cluster } from '../../../upstream/cluster.ts'
import type { StreamMatch } from './stream-match.ts'

/** TLS of some names, passed on to an upstream as it is. */
export interface Stream {
  name: string
  match: StreamMatch
  cluster: Cluster
  /** What it says of the upstream's timers, null for nothing. */
  timeouts: RouteTimeouts | null
}

/** The streams of a gateway: the first that matches takes a connection. */
export class StreamTable {
  private readonly streams: readonly Stream[]
  private readonly observer: ExchangeObserver
  private readonly chains: MiddlewareChains | null

  /** `chains`: the middleware that they pass, that of listeners and of the gateway; null for none. */
  constructor(streams: readonly Stream[], observer: ExchangeObserver, chains: MiddlewareChains | null) {
    this.streams = streams
    this.observer = observer
    this.chains = chains
  }

  has(name: string): boolean {
    return this.streams.some((stream) => stream.name === name)
  }

  find(listener: string, sni: string): Stream | null {
    return this.streams.find(({ match }) => match.matches(listener, sni)) ?? null
  }

  /** Takes the exchange of a connection that has named its host in its ClientHello. Throws ERR_NO_ROUTE. */
  handle(exchange: Exchange): void {
    const { listener } = exchange.session
    const stream = this.find(listener, exchange.host)
    if (stream === null) throw new TurnpikeError('ERR_NO_ROUTE', { message: `No stream is for ${exchange.host}.` })
    exchange.route = stream.name
    exchange.timeouts = stream.timeouts
    this.observer.routed(exchange)
    const { chains } = this
    if (chains === null) return stream.cluster.handle(exchange)
    MiddlewareRun.start(chains.on(listener), exchange, chains.report, () => stream.cluster.handle(exchange))
  }
}
