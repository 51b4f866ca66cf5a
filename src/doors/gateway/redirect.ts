import { TurnpikeError } from '../../core/error.ts'
import { Headers } from '../../core/headers.ts'
import { LocationTemplate } from '../../core/location-template.ts'
import { noBody } from '../../engine/body.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { RedirectConfig } from './config.ts'
import type { RouteTarget } from './gateway.ts'
import type { PathMatcher } from './path-matcher.ts'
import type { Route } from './route.ts'

/** What a redirect takes from a request. */
export interface RedirectedRequest {
  readonly session: { readonly scheme: 'http' | 'https' }
  readonly host: string
  readonly path: string
  readonly query: string
}

/** Answers exchanges with a redirect: the request's own URL with some parts replaced, or a whole other one. */
export class RedirectTarget implements RouteTarget {
  readonly upgrade: readonly string[] = []
  private readonly config: RedirectConfig
  private readonly template: LocationTemplate | null

  constructor(config: RedirectConfig) {
    const text = config.to ?? config.path
    this.config = config
    this.template = text === undefined ? null : new LocationTemplate(text)
  }

  handle(exchange: Exchange, route: Route<RouteTarget>, matchPath: string): void {
    const headers = Headers.from([['Location', this.location(exchange, route.path, matchPath)]])
    exchange.reply({ status: this.config.status, headers, body: noBody })
  }

  /** The new URL. Throws ERR_HOST where it needs a host and the request names none. */
  location(request: RedirectedRequest, pattern: PathMatcher, matchPath: string): string {
    const { scheme, host, port, to } = this.config
    const query = escapeQuery(request.query)
    const path =
      this.template === null
        ? // `*` of `OPTIONS *` has no place in a URL.
          (request.path === '*' ? '/' : request.path) + query
        : this.template.expand(pattern.captures(matchPath), query)
    // With no part of an origin the path alone keeps the client where it is (RFC 9110 §10.2.2).
    if (to !== undefined || (scheme === undefined && host === undefined && port === undefined)) return path
    const name = host ?? request.host
    if (name === '') throw new TurnpikeError('ERR_HOST', { message: 'The request names no host to redirect it to.' })
    return `${scheme ?? request.session.scheme}://${name}${port === undefined ? '' : `:${port}`}${path}`
  }
}

/** A query may hold bytes that a Location may not. */
function escapeQuery(query: string): string {
  return query.replace(/[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
