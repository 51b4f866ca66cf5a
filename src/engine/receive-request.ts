import type { RequestHead } from '../wire/http1/request-head.ts'
import type { ReceivedRequest } from './exchange.ts'
import { clientAddressOf, type TrustedProxies } from './forwarded.ts'
import { absoluteAuthority, hostOf, ingress, type ConnectionFields } from './ingress.ts'
import type { Session } from './session.ts'

/** What a request that could not be read looks like to the log and to the error page. */
export function unreadableRequest(session: Session, headers: ReceivedRequest['headers']): ReceivedRequest {
  return {
    method: '',
    target: '',
    host: '',
    authority: '',
    headers,
    versionMinor: 1,
    upgrade: '',
    acceptsTrailers: false,
    expectsContinue: false,
    clientAddress: session.clientAddress,
  }
}

/**
 * A parsed head as what doors see: hop-by-hop fields gone, one authority. The fields that were taken
 * away are read into `fields`. Throws ERR_REQUEST_LINE.
 */
export function receiveRequest(
  head: RequestHead,
  session: Session,
  fields: ConnectionFields,
  trusted: TrustedProxies,
): ReceivedRequest {
  const { headers } = head
  ingress(headers, fields)
  let authority = head.host ?? ''
  if (head.target.charCodeAt(0) !== 0x2f) {
    const absolute = absoluteAuthority(head.target)
    if (absolute !== null) {
      // RFC 9112 §3.2.2: the absolute form wins over Host, which egress makes anew.
      authority = absolute
      headers.delete('host')
    }
  }
  return {
    method: head.method,
    target: head.target,
    host: hostOf(authority),
    authority,
    headers,
    versionMinor: head.versionMinor,
    // RFC 9110 §7.8: ignored from an HTTP/1.0 client (H16).
    upgrade: head.versionMinor === 1 ? fields.upgrade : '',
    acceptsTrailers: fields.trailers,
    expectsContinue: head.versionMinor === 1 && headers.get('expect')?.toLowerCase() === '100-continue',
    clientAddress: clientAddressOf(session, headers, trusted),
  }
}
