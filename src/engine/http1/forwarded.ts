import { FIELD_STRIDE, type Headers } from '../../core/headers.ts'
import { known } from '../../core/header-names.ts'
import type { Exchange } from '../exchange.ts'
import type { Session } from '../session.ts'

/** Whether an address is of a proxy whose forwarding fields are believed. */
export interface TrustedProxies {
  has(address: string): boolean
}

/** The address of the client that a request is from: the rightmost one that is not a trusted proxy's (H18). */
export function clientAddressOf(session: Session, headers: Headers, trusted: TrustedProxies): string {
  if (!session.peerTrusted) return session.clientAddress
  const hops = headers
    .getAll('x-forwarded-for')
    .join(',')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '')
  for (let at = hops.length - 1; at >= 0; at--) {
    const address = bareAddress(hops[at]!)
    if (at === 0 || !trusted.has(address)) return address
  }
  return session.clientAddress
}

/** `1.2.3.4:56`, `[::1]:56` and `::1` without port and brackets. */
function bareAddress(hop: string): string {
  if (hop.startsWith('[')) return hop.slice(1, hop.indexOf(']') > 0 ? hop.indexOf(']') : undefined)
  return hop.indexOf(':') === hop.lastIndexOf(':') && hop.includes(':') ? hop.slice(0, hop.indexOf(':')) : hop
}

/**
 * The forwarding fields to send, as header lines. From an untrusted peer what came is removed and
 * replaced, from a trusted one it is extended (H18). `Forwarded` (RFC 7239) is kept up where it came.
 */
export function forwardedLines(exchange: Exchange): string {
  const { session, headers, forwarding } = exchange
  const hasForwarded = (forwarding & (1 << known.forwarded)) !== 0
  if (forwarding === 0) return session.forwardedLines(exchange.authority)
  if (!session.peerTrusted) {
    for (let at = 0; at < headers.limit; at += FIELD_STRIDE) {
      const id = headers.idAt(at)
      if (id >= known.forwarded && id <= known.xForwardedPort) headers.removeAt(at)
    }
    const lines = session.forwardedLines(exchange.authority)
    return hasForwarded ? lines + `Forwarded: ${forwardedElement(exchange)}\r\n` : lines
  }
  // An element is added in a field of its own: the same list (RFC 9110 §5.3).
  let lines = `X-Forwarded-For: ${session.clientAddress}\r\n`
  if ((forwarding & (1 << known.xForwardedProto)) === 0) lines += `X-Forwarded-Proto: ${session.scheme}\r\n`
  if ((forwarding & (1 << known.xForwardedHost)) === 0 && exchange.authority !== '') {
    lines += `X-Forwarded-Host: ${exchange.authority}\r\n`
  }
  if ((forwarding & (1 << known.xForwardedPort)) === 0) lines += `X-Forwarded-Port: ${session.localPort}\r\n`
  return hasForwarded ? lines + `Forwarded: ${forwardedElement(exchange)}\r\n` : lines
}

function forwardedElement({ session, authority }: Exchange): string {
  const node = session.clientAddress.includes(':') ? `"[${session.clientAddress}]"` : session.clientAddress
  const host = authority === '' ? '' : `;host="${authority}"`
  return `for=${node};proto=${session.scheme}${host}`
}
