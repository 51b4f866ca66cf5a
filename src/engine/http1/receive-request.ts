import { known } from '../../core/header-names.ts'
import type { Headers } from '../../core/headers.ts'
import type { RequestHead } from '../../wire/http1/request-head.ts'
import type { ReceivedRequest } from '../exchange.ts'
import { clientAddressOf, type TrustedProxies } from './forwarded.ts'
import { absoluteAuthority, hostOf, ingress, passedHere, type ConnectionFields } from './ingress.ts'
import type { Session } from '../session.ts'

/** What the field lines of a request say; the same for the same lines, so read once for those that repeat. */
export interface RequestFacts extends ConnectionFields {
  /** Host with port as received, '' for none. */
  authority: string
  /** Lower case, without port. */
  host: string
  expectsContinue: boolean
  userAgent: string
  /** Its `Via` names this instance (H14). */
  passedHere: boolean
  /** A host, and nothing that asks for more than forwarding: no length, upgrade, trailers, forwarding fields. */
  everyday: boolean
}

/** What a request that could not be read looks like to the log and to the error page. */
export function unreadableRequest(session: Session, headers: Headers): ReceivedRequest {
  return {
    method: '',
    target: '',
    headers,
    protocol: 'HTTP/1.1',
    versionMinor: 1,
    clientAddress: session.clientAddress,
    facts: readFacts(headers, '', ''),
  }
}

/** A parsed head as what doors see: hop-by-hop fields gone, one authority. Throws ERR_REQUEST_LINE. */
export function receiveRequest(
  head: RequestHead<RequestFacts>,
  session: Session,
  trusted: TrustedProxies,
  pseudonym: string,
): ReceivedRequest {
  const { block, method, target, versionMinor } = head
  let { headers } = head
  let facts = block?.facts ?? null
  if (facts === null) {
    if (block === null) {
      facts = readFacts(headers, head.host ?? '', pseudonym)
    } else {
      facts = block.facts = readFacts(block.headers, block.host, pseudonym)
      headers = block.headers.fork()
    }
  }
  if (target.charCodeAt(0) !== 0x2f) {
    const authority = absoluteAuthority(target)
    if (authority !== null && authority !== facts.authority) {
      // RFC 9112 §3.2.2: the absolute form wins over Host, which egress makes anew. One that says the same can stay.
      headers.delete('host')
      facts = { ...facts, authority, host: hostOf(authority) }
    }
  }
  // RFC 9110 §7.8 and §10.1.1: ignored from an HTTP/1.0 client (H16).
  if (versionMinor === 0) facts = { ...facts, upgrade: '', expectsContinue: false }
  const protocol = versionMinor === 0 ? 'HTTP/1.0' : 'HTTP/1.1'
  const clientAddress = clientAddressOf(session, headers, trusted)
  return { method, target, headers, protocol, versionMinor, clientAddress, facts }
}

export function readFacts(headers: Headers, authority: string, pseudonym: string): RequestFacts {
  const { close, keepAlive, upgrade, trailers, forwarding } = ingress(headers)
  const agentAt = headers.find(known.userAgent)
  return {
    close,
    keepAlive,
    upgrade,
    trailers,
    forwarding,
    authority,
    host: hostOf(authority),
    expectsContinue: headers.get('expect')?.toLowerCase() === '100-continue',
    userAgent: agentAt < 0 ? '' : headers.valueAt(agentAt),
    passedHere: passedHere(headers, pseudonym),
    everyday:
      upgrade === '' &&
      !trailers &&
      forwarding === 0 &&
      headers.find(known.host) >= 0 &&
      headers.find(known.contentLength) < 0,
  }
}
