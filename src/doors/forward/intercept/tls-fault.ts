import { TurnpikeError } from '../../../core/error.ts'

/** What a peer says of itself may stand in the reason. */
const MAX_REASON = 300

/** A failed handshake with a target, told to the client who named it (T7): with the cause. Other errors stay as they are. */
export function tlsFault(error: TurnpikeError, host: string): TurnpikeError {
  const { cause, code } = error
  if (!(cause instanceof Error)) return error
  // RFC 8446 §6.2: with TLS 1.3 it comes behind the handshake, as the answer to the first request.
  if ('code' in cause && cause.code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') {
    const message = `${host} asks for a client certificate, which no tunnel that is looked into can show.`
    return new TurnpikeError('ERR_TLS_UPSTREAM', { message, cause })
  }
  if (code !== 'ERR_TLS_CERTIFICATE' && code !== 'ERR_TLS_UPSTREAM') return error
  const what = code === 'ERR_TLS_CERTIFICATE' ? `The certificate of ${host} is not valid` : `No TLS with ${host}`
  return new TurnpikeError(code, { message: `${what}: ${reasonOf(cause)}.`, cause })
}

/** OpenSSL: `id:error:code:library:function:reason:file:line:`. */
function reasonOf({ message }: Error): string {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message
  return reason.trim().replace(/\.$/, '').slice(0, MAX_REASON)
}
