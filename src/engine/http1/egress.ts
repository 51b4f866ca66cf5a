import { known } from '../../core/header-names.ts'
import type { Exchange } from '../exchange.ts'
import { forwardedLines } from './forwarded.ts'

export interface EgressOptions {
  /** Name that an endpoint is shown: the client's, or the endpoint's own. */
  host: 'preserve' | 'endpoint'
  /** Host and port of the endpoint, as in its URL. */
  endpointAuthority: string
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** The `Via` line of a request that came by HTTP/1.1. */
  viaLine: string
}

/**
 * The egress choke point: the head of every request that leaves, made of the received fields
 * that ingress left, and of the fields that this hop owes the next one. No empty blocks, one text.
 */
export function egressHead(exchange: Exchange, options: EgressOptions): string {
  const { headers } = exchange
  let head = `${exchange.method} ${exchange.path}${exchange.query} HTTP/1.1\r\n`
  if (isEveryday(exchange, options)) {
    return head + headers.toText() + exchange.session.headEnd(exchange.authority, options.viaLine)
  }
  const forwarded = forwardedLines(exchange)
  if (options.host === 'endpoint') {
    headers.delete('host')
    head += `Host: ${options.endpointAuthority}\r\n`
  } else if (headers.find(known.host) < 0) {
    // Regenerated from an absolute-form target (RFC 9112 §3.2.2), or missing from HTTP/1.0.
    head += `Host: ${exchange.authority === '' ? options.endpointAuthority : exchange.authority}\r\n`
  }
  const length = exchange.body === null ? 0 : exchange.body.length
  // As we understood it: nginx refuses a tab before the number, others may read leading zeros as octal.
  // Written into the fields, since the same request may leave a second time.
  if (headers.find(known.contentLength) >= 0) {
    if (length >= 0) headers.set('content-length', String(length))
    else headers.delete('content-length')
  }
  head += headers.toText() + forwarded
  // RFC 9110 §7.6.3: the received version, then who we are.
  if (options.via !== '') head += `Via: 1.${exchange.versionMinor} ${options.via}\r\n`
  if (length < 0) head += 'Transfer-Encoding: chunked\r\n'
  if (exchange.upgrade !== '') head += `Connection: upgrade\r\nUpgrade: ${exchange.upgrade}\r\n`
  else if (exchange.acceptsTrailers) head += 'Connection: te\r\nTE: trailers\r\n'
  return head + '\r\n'
}

/** No body, and header fields that came before and owe the next hop nothing but the usual. */
function isEveryday(exchange: Exchange, options: EgressOptions): boolean {
  return (
    exchange.everyday &&
    exchange.headers.pristine &&
    exchange.body === null &&
    exchange.versionMinor === 1 &&
    options.host === 'preserve'
  )
}
