import { addFields } from '../../wire/http2/fields.ts'
import { egressAuthority, egressFields, type HopOptions } from '../egress-fields.ts'
import type { Exchange } from '../exchange.ts'
import type { OwnRequest } from '../probe/inquiry.ts'

/**
 * The egress choke point of HTTP/2: the head of a request as names and values in turn, pseudo-fields first
 * (RFC 9113 §8.3). Connection fields cannot be among them: ingress took those that came, and none is made.
 */
export function http2Request(exchange: Exchange, options: HopOptions, scheme: 'http' | 'https'): string[] {
  const authority = egressAuthority(exchange, options)
  const list = [':method', exchange.method, ':scheme', scheme, ':authority', authority]
  list.push(':path', exchange.path + exchange.query)
  const added = egressFields(exchange, options)
  addFields(list, exchange.headers)
  for (const line of added.split('\r\n')) {
    const colon = line.indexOf(': ')
    if (colon > 0) list.push(line.slice(0, colon).toLowerCase(), line.slice(colon + 2))
  }
  // RFC 9113 §8.2.2: the one thing that TE may say.
  if (exchange.acceptsTrailers) list.push('te', 'trailers')
  return list
}

/** The head of a request of our own. */
export function ownHttp2Request(request: OwnRequest, scheme: 'http' | 'https'): string[] {
  const { method, target, authority, headers } = request
  const list = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target]
  addFields(list, headers)
  return list
}
