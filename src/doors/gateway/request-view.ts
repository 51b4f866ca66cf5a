import type { Exchange } from '../../engine/exchange.ts'
import type { RouteRequest } from './condition.ts'
import type { NormalTarget } from './normalise-path.ts'

/** An exchange as routing sees it. One is enough for a door: `of` points it at the next exchange. */
export class RequestView implements RouteRequest {
  listener = ''
  host = ''
  method = ''
  path = ''
  laxPath = ''
  private exchange: Exchange | null = null
  private queryText = ''
  private parameters: URLSearchParams | null = null
  /** The field asked for last: routes that differ in one field's value ask for it again and again. */
  private lastName = ''
  private lastValue: string | undefined

  of(exchange: Exchange, target: NormalTarget): this {
    this.exchange = exchange
    this.listener = exchange.session.listener
    this.host = exchange.host
    this.method = exchange.method
    this.path = target.matchPath
    this.laxPath = target.laxPath
    this.queryText = target.query
    this.parameters = null
    this.lastName = ''
    return this
  }

  header(name: string): string | undefined {
    if (name === this.lastName) return this.lastValue
    const headers = this.exchange!.headers
    this.lastName = name
    // A repeated field equals no single value: an origin may believe another line than we do.
    this.lastValue = headers.has(name) ? headers.getAll(name).join(', ') : undefined
    return this.lastValue
  }

  query(name: string): string | undefined {
    if (this.queryText === '') return undefined
    this.parameters ??= new URLSearchParams(this.queryText)
    return queryValue(this.parameters, name)
  }
}

/** What a route's query condition is compared with: the value, several joined; undefined for none. */
export function queryValue(parameters: URLSearchParams, name: string): string | undefined {
  return parameters.has(name) ? parameters.getAll(name).join(', ') : undefined
}
