import type { TurnpikeError } from '../../core/error.ts'
import type { TlsFacts } from '../session.ts'
import type { Socket } from '../world.ts'

/** How a client's handshake went; the first call counts. */
export interface SecuringEvents {
  secured(socket: Socket, facts: TlsFacts): void
  failed(error: TurnpikeError): void
}

/** What a listener secures its connections with: see TlsServer. */
export interface DownstreamSecurity {
  /**
   * Text that differs where the security settings differ (client certificates, lowest version): a
   * connection accepted under other settings than these is not to be used on (H26).
   */
  readonly settings: string
  /** Starts a handshake. Destroying the socket gives it up. */
  secure(socket: Socket, events: SecuringEvents): void
  /** Whether a host is of the trust domain that a connection's handshake was in. */
  serves(tls: Pick<TlsFacts, 'domain' | 'sni'>, host: string): boolean
}
