import type { Exchange } from './exchange.ts'
import { forwardedLines } from './http1/forwarded.ts'

/** How requests to an endpoint name it and us. */
export interface HopOptions {
  /** Name that an endpoint is shown: the client's, or the endpoint's own. */
  host: 'preserve' | 'endpoint'
  /** Host and port of the endpoint, as in its URL. */
  endpointAuthority: string
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** Whether the requests are Turnpike's own: nothing is said of a client then. Default: false. */
  own?: boolean
}

/**
 * The half of the egress choke point that no protocol changes: settles the received fields for the next
 * hop, and returns the lines that this hop adds to them, each ending in CRLF.
 */
export function egressFields(exchange: Exchange, { via, own = false }: HopOptions): string {
  const { headers, body } = exchange
  // Of two, which only middleware can make, the one that was added.
  if (headers.hasAdded('host')) headers.set('host', headers.getAll('host').at(-1)!)
  const lines = own ? '' : forwardedLines(exchange)
  const length = body === null ? 0 : body.length
  // As we understood it: nginx refuses a tab before the number, others may read leading zeros as octal.
  // Written into the fields, since the same request may leave a second time.
  if (headers.has('content-length')) {
    if (length >= 0) headers.set('content-length', String(length))
    else headers.delete('content-length')
  }
  // RFC 9110 §7.6.3: the received version, then who we are.
  return via === '' ? lines : `${lines}Via: ${exchange.protocol.slice('HTTP/'.length)} ${via}\r\n`
}

/** Host and port that the endpoint is asked for. */
export function egressAuthority({ headers, authority }: Exchange, { host, endpointAuthority }: HopOptions): string {
  if (host === 'endpoint') return endpointAuthority
  return headers.get('host') ?? (authority === '' ? endpointAuthority : authority)
}
