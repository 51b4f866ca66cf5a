import type { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'

/** A request of our own, without a body. */
export interface OwnRequest {
  method: string
  /** Path and query. */
  target: string
  /** Host and port, as the endpoint is to be called. */
  authority: string
  headers: Headers
}

/** One of the two is called once, until `close`. */
export interface InquiryEvents {
  /** Of a longer body the first 64 KiB. */
  answered(status: number, body: Buffer): void
  failed(error: TurnpikeError): void
}

/** Asks one thing on a connection that serves nothing else. */
export interface Inquiry {
  /** The final head is there, the end of the body not. */
  readonly answering: boolean
  /** Nobody hears of it any more, and the connection is closed. */
  close(): void
}
