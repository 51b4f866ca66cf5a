import { errorCodes } from '../core/error-codes.ts'
import type { TurnpikeError } from '../core/error.ts'
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
  /** The config has it no longer: it goes with the last exchange that is on it. */
  gone: boolean
  /** By upstream, then endpoint: the strings come from the config, so a look-up compares pointers. */
  readonly series: Map<string, Map<string, Series>>
}

/** What a config has, by the names that labels are made of. */
export interface KnownLabels {
  route(name: string): boolean
  endpoint(upstream: string, url: string): boolean
  listener(name: string): boolean
}

/** Counts what the engine does. One exchange costs a few look-ups and increments, and allocates nothing. */
export class Metrics {
  /** In order of first use. */
  series: Series[] = []
  /** Exchanges that found no room among the label sets. */
  overflow = 0
  /** By the index that exchanges carry; null where a route went. */
  private readonly routes: (RouteCounts | null)[] = []
  private readonly freed: number[] = []
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
    // A tunnel whose ClientHello is read has another rule then.
    if (exchange.metricsRoute >= 0) this.routes[exchange.metricsRoute]!.inFlight--
    const index = this.routeAt(exchange.route)
    exchange.metricsRoute = index
    this.routes[index]!.inFlight++
  }

  /** The exchange has ended; to be called once for each, when `finishedAt` is set. */
  finish(exchange: Exchange): void {
    const { metricsRoute, startedAt, firstByteAt, status, error, attempts } = exchange
    if (metricsRoute >= 0 && --this.routes[metricsRoute]!.inFlight === 0 && this.routes[metricsRoute]!.gone) {
      return this.forget(metricsRoute, error)
    }
    const route = this.routes[metricsRoute >= 0 ? metricsRoute : this.routeAt(exchange.route)]!
    // Without an upstream it is one of the hosts of the world, which a client chooses.
    const endpoint = exchange.upstream === '' ? '' : exchange.endpoint
    const series =
      route.series.get(exchange.upstream)?.get(endpoint) ?? this.addSeries(route, exchange.upstream, endpoint)
    series.requests[status >= 100 && status < 600 ? (status / 100) | 0 : 0]!++
    series.duration.observe((exchange.finishedAt - startedAt) / 1000)
    if (firstByteAt > 0) series.firstByte.observe((firstByteAt - startedAt) / 1000)
    series.bytesIn += exchange.bytesIn
    series.bytesOut += exchange.bytesOut
    if (attempts > 1) series.retries += attempts - 1
    this.countError(error)
  }

  /** Exchanges that have a route and have not ended, by route. */
  *inFlight(): Generator<[route: string, count: number]> {
    for (const route of this.routes) if (route !== null) yield [route.name, route.inFlight]
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

  /** W18: what the config has no longer loses its series; a route still in flight does so when the last one ends. */
  retain(known: KnownLabels): void {
    for (const [index, route] of this.routes.entries()) {
      if (route === null || route.name === '' || route.name === OTHER) continue
      route.gone = !known.route(route.name)
      for (const [upstream, endpoints] of route.series) {
        for (const url of endpoints.keys()) {
          if (url !== '' && !known.endpoint(upstream, url)) endpoints.delete(url)
        }
        if (endpoints.size === 0) route.series.delete(upstream)
      }
      if (route.gone && route.inFlight === 0) this.forget(index, null)
    }
    const kept = new Set<Series>(this.other === null ? [] : [this.other])
    for (const route of this.routes) {
      for (const endpoints of route?.series.values() ?? []) for (const series of endpoints.values()) kept.add(series)
    }
    this.series = this.series.filter((series) => kept.has(series))
    for (const listener of this.connections.keys()) if (!known.listener(listener)) this.connections.delete(listener)
  }

  private forget(index: number, error: TurnpikeError | null): void {
    const { name, series } = this.routes[index]!
    const gone = new Set([...series.values()].flatMap((endpoints) => [...endpoints.values()]))
    this.series = this.series.filter((each) => !gone.has(each))
    this.routes[index] = null
    this.routeIndex.delete(name)
    this.freed.push(index)
    this.countError(error)
  }

  private countError(error: TurnpikeError | null): void {
    if (error !== null) this.errors[errorIndex.get(error.code)!]!++
  }

  private routeAt(name: string): number {
    const index = this.routeIndex.get(name)
    if (index !== undefined) return index
    // A route without a label set of its own would outgrow the bound; it counts where `other` does.
    const known = this.routeIndex.size < this.limit || name === OTHER ? name : OTHER
    if (known !== name) return this.routeAt(OTHER)
    const free = this.freed.pop() ?? this.routes.length
    this.routes[free] = { name, inFlight: 0, gone: false, series: new Map() }
    this.routeIndex.set(name, free)
    return free
  }

  private addSeries(route: RouteCounts, upstream: string, endpoint: string): Series {
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
