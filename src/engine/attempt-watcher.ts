import type { TurnpikeError } from '../core/error.ts'
import type { Exchange } from './exchange.ts'

/** Decides what becomes of an exchange whose try failed before any of its reply was sent on. */
export interface AttemptWatcher {
  /** `repeatable`: no byte of the request can have been acted on, and all of it is still at hand (H19). */
  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void
}
