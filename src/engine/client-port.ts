import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { BodySink } from './body.ts'
import type { Reply } from './exchange.ts'
import type { ConnectionFields } from './http1/ingress.ts'
import type { Socket } from './world.ts'

/** Who works on an exchange at the moment: told when there is no client for it any more. */
export interface ExchangeWorker {
  /** The client is gone, or the exchange was ended from its side: stop, and release what is held. */
  clientGone(error: TurnpikeError): void
  /** The client can take more of the reply's body, after a `write` that returned false. */
  clientReady(): void
}

/** What is known of a reply head that comes again and again. */
export type ReplyFacts = ConnectionFields

/** The head of a final reply. */
export interface ReplyHead {
  status: number
  reason: string
  headers: Headers
  /** Size of the body, -1 where unknown. */
  length: number
  /** False where none follows whatever the fields say (RFC 9112 §6.3). */
  hasBody: boolean
  /** Where the same head came before. */
  facts: ReplyFacts | null
}

/**
 * The client's end of one exchange, whatever protocol carries it. A worker calls `interim` any
 * number of times, then either `reply`, or `begin` followed by the body through the sink, or `fail`.
 * Calls on an exchange that has ended do nothing.
 */
export interface ClientPort extends BodySink {
  worker: ExchangeWorker | null
  /** A 1xx reply; dropped where the client cannot take one (H15). */
  interim(status: number, reason: string, headers: Headers): void
  begin(head: ReplyHead): void
  /** A whole reply made here. */
  reply(reply: Reply): void
  /** The exchange failed: an error reply where none has begun, else the connection is cut. */
  fail(error: TurnpikeError): void
  /**
   * After a 101, or the grant of a tunnel: the raw connection, the client's bytes that came already included. `done`
   * ends the exchange. `bound`: the address that bytes leave from, for protocols that say it (RFC 1928 §6).
   */
  takeOver(status: number, reason: string, headers: Headers, bound?: BoundAddress | null): TakenConnection
}

/** An address and a port of this machine. */
export interface BoundAddress {
  address: string
  port: number
}

/** A client connection that left HTTP. */
export interface TakenConnection {
  socket: Socket
  /** Bytes that the client sent after its request. */
  pending: Buffer | null
  /** The client ended its direction behind those bytes already. */
  inputEnded: boolean
  /** The tunnel is over: the exchange ends, with bytes counted by the tunnel. */
  done(): void
}
