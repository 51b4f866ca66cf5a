import type { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySink } from '../body.ts'

/** Holds a reply's body back while middleware waits for something: what came, and that the producer was told to wait. */
export class ReplyGate implements BodySink {
  /** One at most: its producer waits after it. */
  private piece: Buffer | null = null
  private trailers: Headers | null = null
  private ended = false
  private error: TurnpikeError | null = null

  write(bytes: Buffer, start: number, end: number): boolean {
    // Copied: a producer that has the whole body at hand does not wait for `resume` with it.
    this.piece = Buffer.from(bytes.subarray(start, end))
    return false
  }

  end(trailers: Headers | null): void {
    this.ended = true
    this.trailers = trailers
  }

  abort(error: TurnpikeError): void {
    this.error = error
  }

  flush(): void {}

  /** Passes on what was held; `ready` is called where the producer was told to wait and the sink can take more. */
  release(sink: BodySink, ready: () => void): void {
    const { piece } = this
    const free = piece !== null && sink.write(piece, 0, piece.length)
    if (this.error !== null) sink.abort(this.error)
    else if (this.ended) sink.end(this.trailers)
    sink.flush()
    if (free && !this.ended && this.error === null) ready()
  }
}
