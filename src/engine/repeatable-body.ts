import type { Headers } from '../core/headers.ts'
import type { TurnpikeError } from '../core/error.ts'
import type { BodySink, BodySource } from './body.ts'

/** What is kept of a body, in bytes: enough for the message of most calls. */
const KEPT_BYTES = 64 * 1024

/**
 * A request's body that can be started again, as long as nothing of a reply has come and its beginning is
 * still kept: for requests that an endpoint did not act on (RFC 9113 §8.7).
 */
export class RepeatableBody implements BodySource, BodySink {
  private readonly source: BodySource
  private sink: BodySink | null = null
  private started = false
  /** Everything that the source has given so far; null once that was too much, or is not needed. */
  private kept: Buffer[] | null = []
  private keptBytes = 0
  /** A later sink is being given what is kept, of which it has had so many pieces. */
  private repeating = false
  private repeated = 0
  private settled = false
  /** The source was told to wait. */
  private held = false
  private ended = false
  private trailers: Headers | null = null

  constructor(source: BodySource) {
    this.source = source
  }

  get length(): number {
    return this.source.length
  }

  get repeatable(): boolean {
    return this.kept !== null
  }

  start(sink: BodySink): void {
    this.sink = sink
    if (this.started) {
      this.repeating = true
      this.repeated = 0
      this.repeat()
      return
    }
    this.started = true
    this.source.start(this)
  }

  resume(): void {
    if (this.repeating) return this.repeat()
    this.held = false
    this.source.resume()
  }

  cancel(error: TurnpikeError): void {
    this.sink = null
    this.source.cancel(error)
  }

  /** The sink is to hear nothing more: another will come. */
  detach(): void {
    this.sink = null
  }

  /** It will not be started again. */
  settle(): void {
    this.settled = true
    if (!this.repeating) this.kept = null
  }

  // From the source.

  write(bytes: Buffer, start: number, end: number): boolean {
    const { sink, kept, repeating } = this
    if (kept === null || (sink !== null && !repeating && this.keptBytes + end - start > KEPT_BYTES)) {
      this.kept = null
      this.held = sink !== null && !sink.write(bytes, start, end)
      return !this.held
    }
    // A sink gets the copy, so that the memory is the source's again whatever becomes of the sink.
    const copy = Buffer.from(bytes.subarray(start, end))
    kept.push(copy)
    this.keptBytes += copy.length
    this.held = sink === null || repeating || !sink.write(copy, 0, copy.length)
    return !this.held
  }

  end(trailers: Headers | null): void {
    this.ended = true
    this.trailers = trailers
    if (!this.repeating) this.sink?.end(trailers)
  }

  abort(error: TurnpikeError): void {
    this.sink?.abort(error)
  }

  flush(): void {
    this.sink?.flush()
  }

  /** Gives a later sink what an earlier one had, then lets the source go on. */
  private repeat(): void {
    const { sink, kept } = this
    if (sink === null || kept === null) return
    while (this.repeated < kept.length) {
      const piece = kept[this.repeated++]!
      if (!sink.write(piece, 0, piece.length)) return sink.flush()
    }
    this.repeating = false
    if (this.settled) this.kept = null
    if (this.ended) sink.end(this.trailers)
    else if (this.held) this.resume()
    sink.flush()
  }
}
