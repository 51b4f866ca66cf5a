import type { Socket as NetSocket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import type { Socket } from '../world.ts'

/** How a client's handshake went; one of them is called, once. */
export interface ClientHandshakeEvents {
  /** Its bytes flow from now on: who wants them listens before this returns. */
  secured(socket: TLSSocket): void
  /** The client broke off at the certificate: by an alert that says so, or by leaving once it had it. */
  refused(cause: Error): void
  /** It failed for another reason. */
  failed(cause: Error): void
}

/** RFC 8446 §6.2: what clients say of a certificate. */
const aboutCertificates =
  /_ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA)$/

/**
 * Shakes hands with a client in a context of its own, whose tickets resume in no other one (T10); HTTP/1.1 is all that
 * is agreed on (RFC 7301). What was read of its ClientHello must have been put back. Time is the caller's to limit.
 */
export function shakeHands(socket: Socket, context: SecureContext, events: ClientHandshakeEvents): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node:tls takes over a node:net socket alone
  const secured = new TLSSocket(socket as NetSocket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: ['http/1.1'],
  })
  let over = false
  const end = (event: 'refused' | 'failed', cause: Error): void => {
    if (over) return
    over = true
    events[event](cause)
  }
  const left = (): void => end('refused', new Error('the client left during the handshake'))
  secured.on('error', (cause: NodeJS.ErrnoException) =>
    end(aboutCertificates.test(cause.code ?? '') || cause.code === 'ECONNRESET' ? 'refused' : 'failed', cause),
  )
  secured.on('end', left)
  secured.on('close', left)
  secured.on('secure', () => {
    if (over) return
    over = true
    secured.off('end', left)
    secured.off('close', left)
    events.secured(secured)
  })
  // Its end is seen only while it is read; bytes come after the handshake alone.
  secured.resume()
}
