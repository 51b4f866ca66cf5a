import type { Headers } from '../core/headers.ts'
import type { TurnpikeError } from '../core/error.ts'
import type { Exchange } from './exchange.ts'

/**
 * Hears of one try of an exchange on an endpoint, and decides what becomes of it. In order: `replied`
 * or `attemptFailed` or, where the client went away, neither; then `attemptEnded`, exactly once for each `send`.
 */
export interface AttemptWatcher {
  /**
   * The final head is there (a 101 too), and nothing of it was sent on yet; `headers` may be changed. False: the reply
   * is dropped, the connection gives itself back or closes, and the exchange is the watcher's again at `attemptEnded`.
   * A 101 is never refused.
   */
  replied(exchange: Exchange, status: number, headers: Headers): boolean
  /**
   * The try failed before a final head, and its connection has let go of the exchange: the watcher tries again or
   * fails it. `repeatable`: no byte of the request can have been acted on, and all of it is still at hand (H19).
   */
  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void
  /**
   * The try is over, whatever its end, a tunnel's included: called last, once nothing of the connection holds the
   * exchange. `error`: why a reply that had begun was cut short by the endpoint; null in every other case.
   */
  attemptEnded(exchange: Exchange, error: TurnpikeError | null): void
}
