import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySink } from '../body.ts'
import type { BodyFilter } from './body-filter.ts'
import type { ResponseDraft } from './response-draft.ts'

/** Makes one stream of another: of the reply's body, what is sent in its place. */
export type BodyTransform = (body: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>

/**
 * Sends a reply's body through a Web stream, for a `response` hook: `transformBody(exchange.response!, (body) =>
 * body.pipeThrough(…))`. Back-pressure goes both ways. A stream that ends early ends the reply; one that fails cuts
 * it off with ERR_MIDDLEWARE.
 */
export function transformBody(response: ResponseDraft, transform: BodyTransform): void {
  response.filter((next, ready) => new StreamFilter(next, ready, transform))
}

class StreamFilter implements BodyFilter {
  private readonly next: BodySink
  private readonly ready: () => void
  private input!: ReadableStreamDefaultController<Uint8Array>
  private readonly output: ReadableStreamDefaultReader<Uint8Array>
  private trailers: Headers | null = null
  /** The producer waits until more is asked for. */
  private held = false
  private inputOver = false
  private over = false
  private resumed: (() => void) | null = null

  constructor(next: BodySink, ready: () => void, transform: BodyTransform) {
    this.next = next
    this.ready = ready
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.input = controller
      },
      pull: () => this.pull(),
      // Nobody reads on: what comes is dropped, until the output's end ends the reply.
      cancel: () => {
        this.inputOver = true
        this.pull()
      },
    })
    this.output = transform(body).getReader()
    void this.pump()
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.inputOver || start === end) return true
    this.input.enqueue(Uint8Array.from(bytes.subarray(start, end)))
    this.held = (this.input.desiredSize ?? 0) <= 0
    return !this.held
  }

  end(trailers: Headers | null): void {
    this.trailers = trailers
    if (!this.inputOver) this.input.close()
    this.inputOver = true
  }

  abort(error: TurnpikeError): void {
    this.stop(error)
    this.next.abort(error)
  }

  flush(): void {
    // The head may leave; what comes of the body leaves as the stream gives it.
    if (!this.over) this.next.flush()
  }

  resume(): void {
    const { resumed } = this
    this.resumed = null
    resumed?.()
  }

  cancel(error: TurnpikeError): void {
    this.stop(error)
  }

  private pull(): void {
    if (!this.held) return
    this.held = false
    this.ready()
  }

  private stop(reason: TurnpikeError): void {
    if (this.over) return
    this.over = true
    if (!this.inputOver) this.input.error(reason)
    this.inputOver = true
    this.resume()
    this.output.cancel(reason).catch(() => {})
  }

  private async pump(): Promise<void> {
    const { next, output } = this
    try {
      for (;;) {
        const { done, value } = await output.read()
        if (this.over) return
        if (done) break
        const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        const free = next.write(bytes, 0, bytes.length)
        next.flush()
        if (!free) await new Promise<void>((resolve) => (this.resumed = resolve))
        if (this.over) return
      }
      this.over = true
      next.end(this.trailers)
      next.flush()
    } catch (cause) {
      if (this.over) return
      const error = bodyError(cause)
      this.stop(error)
      next.abort(error)
    }
  }
}

function bodyError(cause: unknown): TurnpikeError {
  if (cause instanceof TurnpikeError) return cause
  // For the log alone: a reply has begun.
  const message = `The stream of a middleware failed: ${cause instanceof Error ? cause.message : String(cause)}`
  return new TurnpikeError('ERR_MIDDLEWARE', { phase: 'body', message, cause })
}
