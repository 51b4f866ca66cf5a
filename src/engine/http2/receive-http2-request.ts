import { TurnpikeError } from '../../core/error.ts'
import type { ReceivedRequest } from '../exchange.ts'
import { clientAddressOf, type TrustedProxies } from '../http1/forwarded.ts'
import { readFacts } from '../http1/receive-request.ts'
import type { Session } from '../session.ts'
import type { Http2Head } from './http2-head.ts'

/** A head as what doors see, the same as an HTTP/1 request's. Throws ERR_MISDIRECTED. */
export function receiveHttp2Request(
  { method, target, scheme, authority, headers }: Http2Head,
  session: Session,
  trusted: TrustedProxies,
  pseudonym: string,
): ReceivedRequest {
  // RFC 9110 §7.4: only a trusted gateway may say that another connection than this one was secured.
  if (scheme !== '' && scheme !== session.scheme && !session.peerTrusted) {
    throw new TurnpikeError('ERR_MISDIRECTED', { message: `This connection does not serve ${scheme} resources.` })
  }
  return {
    method,
    target,
    headers,
    protocol: 'HTTP/2',
    versionMinor: 1,
    clientAddress: clientAddressOf(session, headers, trusted),
    facts: { ...readFacts(headers, authority, pseudonym), everyday: false },
  }
}
