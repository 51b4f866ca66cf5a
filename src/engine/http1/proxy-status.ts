import { errorCodes } from '../../core/error-codes.ts'
import type { TurnpikeError } from '../../core/error.ts'

/** The value of `Proxy-Status` for an error (RFC 9209 §2): who says so, the registered type, our own cause code. */
export function proxyStatus(error: TurnpikeError, pseudonym: string): string {
  const type = errorCodes[error.code].proxyStatus
  // RFC 9209 §2 allows a token or a string; a token begins with a letter or a star (RFC 8941 §3.3.4).
  const name = /^[A-Za-z*]/.test(pseudonym) ? pseudonym : `"${pseudonym}"`
  return `${name}${type === '' ? '' : `; error=${type}`}; details="${error.code}"`
}
