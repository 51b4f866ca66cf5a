import type { ErrorCode } from '../../core/error-codes.ts'
import type { TurnpikeError } from '../../core/error.ts'
import { socks5Codes } from '../../wire/socks/socks5.ts'

const { failed, notAllowed, networkUnreachable, hostUnreachable, refused, command, addressType } = socks5Codes

/** What the system says where it cannot reach an address. */
const bySystem: Readonly<Record<string, number>> = {
  ENETUNREACH: networkUnreachable,
  ENETDOWN: networkUnreachable,
  EAFNOSUPPORT: addressType,
  EHOSTUNREACH: hostUnreachable,
  EHOSTDOWN: hostUnreachable,
  ECONNREFUSED: refused,
}

const byCode: Partial<Record<ErrorCode, number>> = {
  ERR_DNS: hostUnreachable,
  ERR_DNS_TIMEOUT: hostUnreachable,
  ERR_CONNECT_REFUSED: refused,
  ERR_CONNECT_TIMEOUT: hostUnreachable,
  ERR_PARENT_REFUSED: hostUnreachable,
  ERR_SOCKS_COMMAND: command,
}

/** What a SOCKS5 client is told of an error: its true cause, as far as RFC 1928 §6 has a code for it (S2). */
export function socksCode(error: TurnpikeError): number {
  const { cause } = error
  const system = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? '') : ''
  return byCode[error.code] ?? bySystem[system] ?? (isRefusal(error) ? notAllowed : failed)
}

/** Rules, guard, logins, limits: what this proxy does not let the client do. */
function isRefusal({ status }: TurnpikeError): boolean {
  return status === 401 || status === 403 || status === 407 || status === 429
}
