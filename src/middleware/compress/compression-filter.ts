import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySink } from '../../engine/body.ts'
import type { BodyFilter } from '../../engine/middleware/body-filter.ts'
import type { Codec } from './codec.ts'

/**
 * Sends a body through a codec. One piece is in it at a time, so that memory is bounded by the codec's window
 * and one piece a side; what came in one turn leaves without waiting for more (W20).
 */
export class CompressionFilter implements BodyFilter {
  private readonly codec: Codec
  private readonly flushKind: number
  private readonly next: BodySink
  private readonly ready: () => void
  private trailers: Headers | null = null
  /** Something was written since the last flush. */
  private unflushed = false
  private ended = false

  /** `closed` is called once, when the codec is gone, however it ended. */
  constructor(codec: Codec, flushKind: number, next: BodySink, ready: () => void, closed: () => void) {
    this.codec = codec
    this.flushKind = flushKind
    this.next = next
    this.ready = ready
    codec.on('data', (chunk: Buffer) => {
      if (!next.write(chunk, 0, chunk.length)) codec.pause()
      next.flush()
    })
    codec.on('end', () => {
      next.end(this.trailers)
      next.flush()
    })
    codec.on('error', (cause) => next.abort(new TurnpikeError('ERR_MIDDLEWARE', { phase: 'body', cause })))
    codec.on('close', closed)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (start === end) return true
    this.unflushed = true
    // Copied: the codec reads it on another thread, after the caller's buffer may have been read into again.
    this.codec.write(Buffer.from(bytes.subarray(start, end)), this.taken)
    return false
  }

  end(trailers: Headers | null): void {
    this.ended = true
    this.trailers = trailers
    this.codec.end()
  }

  abort(error: TurnpikeError): void {
    this.codec.destroy()
    this.next.abort(error)
  }

  flush(): void {
    if (this.ended) return
    // The head alone, or what came before: the codec's output has its own flushes.
    if (!this.unflushed) return this.next.flush()
    this.unflushed = false
    this.codec.flush(this.flushKind)
  }

  resume(): void {
    this.codec.resume()
  }

  cancel(): void {
    this.codec.destroy()
  }

  private readonly taken = (error?: Error | null): void => {
    if ((error ?? null) === null && !this.codec.destroyed && !this.ended) this.ready()
  }
}
