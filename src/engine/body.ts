import type { Headers } from '../core/headers.ts'
import type { TurnpikeError } from '../core/error.ts'

/**
 * Takes one body. After `end` or `abort` nothing more is called but `flush`. The two directions of
 * an exchange are independent: ending one says nothing of the other.
 */
export interface BodySink {
  /**
   * Takes bytes[start..end). True: the memory is the caller's again, and more may come. False: the
   * sink still holds the memory; nothing more but `end` or `abort` until the source's `resume` is called.
   */
  write(bytes: Buffer, start: number, end: number): boolean
  /** The body is complete. Trailers are null where there are none. */
  end(trailers: Headers | null): void
  /** The body will never be complete. */
  abort(error: TurnpikeError): void
  /** The source has nothing more this turn: what was gathered leaves now, in one write. */
  flush(): void
}

/** Gives one body to one sink. */
export interface BodySource {
  /** Bytes that will come, where known; -1 where not. */
  readonly length: number
  /** Starts pushing; called once. */
  start(sink: BodySink): void
  /** The sink can take more: called once after each `write` that returned false. Never from within `write`. */
  resume(): void
  /** Nobody wants the rest. The sink hears nothing more. */
  cancel(error: TurnpikeError): void
}

/** A reply's body, by how it can be sent. */
export type ReplyBody = { kind: 'none' } | { kind: 'bytes'; bytes: Buffer } | { kind: 'source'; source: BodySource }

export const noBody: ReplyBody = { kind: 'none' }

/** A body that is in memory already. */
export class BytesSource implements BodySource {
  readonly length: number
  private readonly bytes: Buffer
  private sink: BodySink | null = null

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.length = bytes.length
  }

  start(sink: BodySink): void {
    this.sink = sink
    if (this.length === 0 || sink.write(this.bytes, 0, this.length)) this.resume()
    else sink.flush()
  }

  resume(): void {
    const { sink } = this
    this.sink = null
    sink?.end(null)
    sink?.flush()
  }

  cancel(): void {
    this.sink = null
  }
}
