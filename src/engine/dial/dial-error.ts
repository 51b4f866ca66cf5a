import type { ErrorCode } from '../../core/error-codes.ts'
import { TurnpikeError } from '../../core/error.ts'

const codes: Record<string, ErrorCode> = {
  ECONNREFUSED: 'ERR_CONNECT_REFUSED',
  ETIMEDOUT: 'ERR_CONNECT_TIMEOUT',
  EMFILE: 'ERR_DESCRIPTORS',
  ENFILE: 'ERR_DESCRIPTORS',
}

/** Why a connection could not be made, by the system's error. */
export function dialError(cause: Error): TurnpikeError {
  const systemCode = (cause as NodeJS.ErrnoException).code ?? ''
  return new TurnpikeError(codes[systemCode] ?? 'ERR_CONNECT_FAILED', { phase: 'dial', cause })
}
