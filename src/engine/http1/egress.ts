import { egressAuthority, egressFields, type HopOptions } from '../egress-fields.ts'
import type { Exchange } from '../exchange.ts'
import type { OwnRequest } from '../probe/inquiry.ts'

export interface EgressOptions extends HopOptions {
  /** The `Via` line of a request that came by HTTP/1.1. */
  viaLine: string
  /**
   * The next hop is another proxy, which is told by `http://` where to (RFC 9112 §3.2.2): its `Proxy-Authorization`
   * line, '' for none. Absent: the next hop is the origin.
   */
  proxyLogin?: string
}

/**
 * The egress choke point: the head of every request that leaves by HTTP/1, made of the received fields
 * that ingress left, and of the fields that this hop owes the next one. No empty blocks, one text.
 */
export function egressHead(exchange: Exchange, options: EgressOptions): string {
  const { headers } = exchange
  const { own, viaLine, proxyLogin } = options
  let head =
    proxyLogin === undefined
      ? `${exchange.method} ${exchange.path}${exchange.query} HTTP/1.1\r\n`
      : `${exchange.method} ${absoluteForm(exchange, options)} HTTP/1.1\r\n${proxyLogin}`
  if (isEveryday(exchange, options)) {
    if (own === true) return `${head}${headers.toText()}${viaLine}\r\n`
    return head + headers.toText() + exchange.session.headEnd(exchange.authority, viaLine)
  }
  if (options.host === 'endpoint') headers.delete('host')
  // Regenerated from an absolute-form target (RFC 9112 §3.2.2), or missing from HTTP/1.0.
  if (!headers.has('host')) head += `Host: ${egressAuthority(exchange, options)}\r\n`
  const added = egressFields(exchange, options)
  head += headers.toText() + added
  if (exchange.body !== null && exchange.body.length < 0) head += 'Transfer-Encoding: chunked\r\n'
  if (exchange.upgrade !== '') head += `Connection: upgrade\r\nUpgrade: ${exchange.upgrade}\r\n`
  else if (exchange.acceptsTrailers) head += 'Connection: te\r\nTE: trailers\r\n'
  return head + '\r\n'
}

/** What a proxy is asked for; of `*`, which only OPTIONS has, nothing is left (RFC 9112 §3.2.4). */
function absoluteForm(exchange: Exchange, options: EgressOptions): string {
  const { path, query } = exchange
  return `http://${egressAuthority(exchange, options)}${path === '*' ? '' : path}${query}`
}

/** No body, and header fields that came before and owe the next hop nothing but the usual; middleware may have added some. */
function isEveryday(exchange: Exchange, options: EgressOptions): boolean {
  return (
    exchange.everyday &&
    exchange.headers.intact !== null &&
    !exchange.headers.hasAdded('host') &&
    !exchange.headers.hasAdded('content-length') &&
    exchange.body === null &&
    exchange.versionMinor === 1 &&
    options.host === 'preserve'
  )
}

/** The head of a request of our own: no client stands behind it, and its connection serves it alone. */
export function ownRequestHead({ method, target, authority, headers }: OwnRequest): string {
  return `${method} ${target} HTTP/1.1\r\nHost: ${authority}\r\n${headers.toText()}Connection: close\r\n\r\n`
}
