import type { Phase } from '../core/error.ts'
import type { Exchange } from './exchange.ts'

/** How far an exchange had come when its client went away. */
export function abortPhase({ firstByteAt, connectedAt }: Exchange): Phase {
  return firstByteAt > 0 ? 'body' : connectedAt > 0 ? 'first-byte' : 'dial'
}
