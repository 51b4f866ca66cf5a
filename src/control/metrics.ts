import { errorCodes } from '../core/error-codes.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Histogram } from './histogram.ts'

/** Label sets kept apart; what comes after them is counted together, as `other`. */
const SERIES_LIMIT = 10_000
/** `none` (nothing was sent), then the first digit of the status. */
export const codeClasses = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

const errorKinds = Object.entries(errorCodes)
const errorIndex = new Map<string, number>(errorKinds.map(([code], index) => [code, index]))

/** What was served for one route by one endpoint. */
export interface Series {
  readonly route: string
  readonly upstream: string
  readonly endpoint: string
  /** By position in `codeClasses`. */
  readonly requests: Float64Array
  readonly duration: Histogram
  readonly firstByte: Histogram
  bytesIn: number
  bytesOut: number
  retries: number
}

interface RouteCounts {
  readonly name: string
  inFlight: number
  /** By upstream, then endpoint: the strings come from the config, so a look-up compares pointers. */
  readonly series: Map<string, Map<string, Series>>
}

/** Counts what the engine does. One exchange costs a few look-ups and increments, and allocates nothing. */
export class Metrics {
  /** In order of first use. */
  readonly series: Series[] = []
  /** Exchanges that found no room among the label sets. */
  overflow = 0
  private readonly routes: RouteCounts[] = []
  private readonly routeIndex = new Map<string, number>()
  private readonly errors = new Float64Array(errorKinds.length)
  private readonly connections = new Map<string, number>()
  private readonly limit: number
  private other: Series | null = null

  /** `seriesLimit`: how many combinations of route, upstream and endpoint are told apart. Default: 10 000. */
  constructor(seriesLimit = SERIES_LIMIT) {
    this.limit = seriesLimit
  }

  /** A listener accepted a connection. */
  accepted(listener: string): void {
    this.connections.set(listener, (this.connections.get(listener) ?? 0) + 1)
  }

  /** The exchange has its route: from here on it is in flight there. To be called at most once for each. */
  routed(exchange: Exchange): void {
    const index = this.routeAt(exchange.route)
    exchange.metricsRoute = index
    this.routes[index]!.inFlight++
  }

  /** The exchange has ended; to be called once for each, when `finishedAt` is set. */
  finish(exchange: Exchange): void {
    const { metricsRoute, startedAt, firstByteAt, status, error, attempts } = exchange
    if (metricsRoute >= 0) this.routes[metricsRoute]!.inFlight--
    const route = this.routes[metricsRoute >= 0 ? metricsRoute : this.routeAt(exchange.route)]!
    const series = route.series.get(exchange.upstream)?.get(exchange.endpoint) ?? this.addSeries(route, exchange)
    series.requests[status >= 100 && status < 600 ? (status / 100) | 0 : 0]!++
    series.duration.observe((exchange.finishedAt - startedAt) / 1000)
    if (firstByteAt > 0) series.firstByte.observe((firstByteAt - startedAt) / 1000)
    series.bytesIn += exchange.bytesIn
    series.bytesOut += exchange.bytesOut
    if (attempts > 1) series.retries += attempts - 1
    if (error !== null) this.errors[errorIndex.get(error.code)!]!++
  }

  /** Exchanges that have a route and have not ended, by route. */
  *inFlight(): Generator<[route: string, count: number]> {
    for (const { name, inFlight } of this.routes) yield [name, inFlight]
  }

  /** Connections ever accepted, by listener. */
  accepts(): Iterable<[listener: string, count: number]> {
    return this.connections
  }

  /** Exchanges that ended with an error, by code; codes that never came up are left out. */
  *errorCounts(): Generator<[code: string, source: string, count: number]> {
    for (const [index, [code, { source }]] of errorKinds.entries()) {
      const count = this.errors[index]!
      if (count > 0) yield [code, source, count]
    }
  }

  private routeAt(name: string): number {
    const index = this.routeIndex.get(name)
    if (index !== undefined) return index
    // A route without a label set of its own would outgrow the bound; it counts where `other` does.
    const known = this.routes.length < this.limit || name === OTHER ? name : OTHER
    if (known !== name) return this.routeAt(OTHER)
    this.routes.push({ name, inFlight: 0, series: new Map() })
    this.routeIndex.set(name, this.routes.length - 1)
    return this.routes.length - 1
  }

  private addSeries(route: RouteCounts, { upstream, endpoint }: Exchange): Series {
    if (this.series.length >= this.limit) {
      this.overflow++
      return (this.other ??= this.newSeries(OTHER, OTHER, OTHER))
    }
    const endpoints = route.series.get(upstream) ?? new Map<string, Series>()
    route.series.set(upstream, endpoints)
    const series = this.newSeries(route.name, upstream, endpoint)
    endpoints.set(endpoint, series)
    return series
  }

  private newSeries(route: string, upstream: string, endpoint: string): Series {
    const series = {
      route,
      upstream,
      endpoint,
      requests: new Float64Array(codeClasses.length),
      duration: new Histogram(),
      firstByte: new Histogram(),
      bytesIn: 0,
      bytesOut: 0,
      retries: 0,
    }
    this.series.push(series)
    return series
  }
}

const OTHER = 'other'
