import type { Headers } from '../../core/headers.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { RouteRequest } from './condition.ts'
import type { NormalTarget } from '../../policy/normalise-path.ts'

/** An exchange as routing sees it. */
export class RequestView implements RouteRequest {
  readonly listener: string
  readonly host: string
  readonly method: string
  readonly path: string
  readonly laxPath: string
  private readonly headers: Headers
  private readonly queryText: string
  private parameters: URLSearchParams | null = null
  /** The field asked for last: routes that differ in one field's value ask for it again and again. */
  private lastName = ''
  private lastValue: string | undefined

  constructor(exchange: Exchange, target: NormalTarget) {
    this.listener = exchange.session.listener
    this.host = exchange.host
    this.method = exchange.method
    this.path = target.matchPath
    this.laxPath = target.laxPath
    this.headers = exchange.headers
    this.queryText = target.query
  }

  header(name: string): string | undefined {
    if (name === this.lastName) return this.lastValue
    const { headers } = this
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
