import { TurnpikeError } from '../../core/error.ts'
import type { TlsFacts } from '../session.ts'
import type { DownstreamSecurity } from './downstream-security.ts'

/**
 * RFC 9110 §7.4: what belongs to another trust domain than the handshake's is not served on its connection,
 * nor anything once the listener asks more of a handshake than this one gave (H26). Null where it is served.
 */
export function misdirected(
  tls: TlsFacts,
  host: string,
  security: Pick<DownstreamSecurity, 'settings' | 'serves'> | null,
): TurnpikeError | null {
  if (isOutdated(tls, security)) {
    return new TurnpikeError('ERR_MISDIRECTED', {
      message: 'This connection was accepted under other security settings.',
    })
  }
  return security!.serves(tls, host) ? null : new TurnpikeError('ERR_MISDIRECTED')
}

/** Whether the listener secures connections in another way now than when this one was accepted. */
export function isOutdated(tls: TlsFacts, security: Pick<DownstreamSecurity, 'settings'> | null): boolean {
  return security === null || security.settings !== tls.settings
}
