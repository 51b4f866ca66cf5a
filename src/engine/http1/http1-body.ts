import type { Headers } from '../../core/headers.ts'
import type { TurnpikeError } from '../../core/error.ts'
import { ChunkedDecoder } from '../../wire/http1/chunked-decoder.ts'
import type { BodySink, BodySource } from '../body.ts'

/** The connection that a body is read from. */
export interface BodyOwner {
  /** There is a sink, and it can take bytes: feed what is at hand, then read on. */
  bodyWanted(): void
  /** Nobody wants the rest. */
  bodyCancelled(error: TurnpikeError): void
}

export type BodyFraming = 'length' | 'chunked' | 'close'

/** Reads one HTTP/1 body out of a connection's bytes (RFC 9112 §6) and pushes it into a sink. */
export class Http1Body implements BodySource {
  readonly length: number
  /** All of it was read. */
  done = false
  /** The framing is broken; nothing more can be read. */
  fault: 'chunk' | 'trailer' | null = null
  /** The sink asked to wait. */
  held = false
  /** Bytes of content so far. */
  received = 0
  private sink: BodySink | null = null
  private discarding = false
  private remaining: number
  private readonly decoder: ChunkedDecoder | null
  private readonly framing: BodyFraming
  private readonly owner: BodyOwner

  constructor(owner: BodyOwner, framing: BodyFraming, length: number) {
    this.owner = owner
    this.framing = framing
    this.length = framing === 'length' ? length : -1
    this.remaining = length
    this.decoder = framing === 'chunked' ? new ChunkedDecoder() : null
    if (framing === 'length' && length === 0) this.done = true
  }

  /** Bytes can be fed: they go to the sink, or are dropped. */
  get open(): boolean {
    return !this.done && !this.held && (this.sink !== null || this.discarding)
  }

  start(sink: BodySink): void {
    this.sink = sink
    if (this.done) {
      sink.end(null)
      sink.flush()
      return
    }
    this.owner.bodyWanted()
  }

  /** For a reader that hands the sink over itself, in the turn in which it feeds. */
  attach(sink: BodySink): void {
    this.sink = sink
  }

  resume(): void {
    if (!this.held) return
    this.held = false
    if (!this.done) this.owner.bodyWanted()
  }

  cancel(error: TurnpikeError): void {
    if (this.discarding) return
    this.sink = null
    this.held = false
    this.discarding = true
    if (!this.done) this.owner.bodyCancelled(error)
  }

  /** Consumes bytes[at..end) as far as they belong to the body and the sink takes them; returns the new position. */
  feed(bytes: Buffer, at: number, end: number): number {
    if (this.framing === 'chunked') return this.feedChunks(bytes, at, end)
    const take = this.framing === 'length' && end - at > this.remaining ? this.remaining : end - at
    if (take > 0) {
      this.push(bytes, at, at + take)
      at += take
    }
    if (this.framing === 'length') {
      this.remaining -= take
      if (this.remaining === 0) this.finish(null)
    }
    return at
  }

  /** The connection ended: completes a body that runs until close; false where it is cut short (H7). */
  ended(): boolean {
    if (this.done) return true
    if (this.framing !== 'close') return false
    this.finish(null)
    return true
  }

  /** The rest will not come. */
  abort(error: TurnpikeError): void {
    if (this.done) return
    const sink = this.sink
    this.done = true
    this.sink = null
    sink?.abort(error)
  }

  flush(): void {
    this.sink?.flush()
  }

  private feedChunks(bytes: Buffer, at: number, end: number): number {
    const decoder = this.decoder!
    while (at < end && !this.held) {
      at = decoder.next(bytes, at, end)
      if (decoder.fault !== null) {
        this.fault = decoder.fault
        return at
      }
      if (decoder.dataEnd > decoder.dataStart) this.push(bytes, decoder.dataStart, decoder.dataEnd)
      if (decoder.done) {
        this.finish(decoder.trailers)
        return at
      }
    }
    return at
  }

  private push(bytes: Buffer, start: number, end: number): void {
    this.received += end - start
    if (this.sink !== null && !this.sink.write(bytes, start, end)) this.held = true
  }

  private finish(trailers: Headers | null): void {
    this.done = true
    this.sink?.end(trailers)
  }
}
