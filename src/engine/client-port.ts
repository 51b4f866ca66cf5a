import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { BodySink, BodySource } from './body.ts'
import type { Reply } from './exchange.ts'
import type { Socket } from './world.ts'

/**
 * The client's end of one exchange, whatever protocol carries it. A handler calls `interim` any
 * number of times, then either `reply`, or `begin` followed by the body through the sink, or `fail`.
 */
export interface ClientPort extends BodySink {
  /** A 1xx reply; dropped where the client cannot take one (H15). */
  interim(status: number, headers: Headers): void
  /**
   * The final reply's head. `length` is the body's size, -1 where unknown; with `hasBody` false none
   * follows whatever the fields say. `producer` is told when the sink can take more, and when the client is gone.
   */
  begin(status: number, reason: string, headers: Headers, length: number, hasBody: boolean, producer: BodySource | null): void
  /** Sends what `begin`, `write` and `end` gathered: called once at the end of each turn of the producer. */
  flush(): void
  /** A whole reply made here. */
  reply(reply: Reply): void
  /** The exchange failed: an error reply where none has begun, else the connection is cut. */
  fail(error: TurnpikeError): void
  /** After a 101: the raw bytes of both sides, the client's first ones included. */
  takeOver(): { socket: Socket; pending: Buffer[] }
  /** Called once if the client goes away before the exchange ended. */
  onGone: ((error: TurnpikeError) => void) | null
}
