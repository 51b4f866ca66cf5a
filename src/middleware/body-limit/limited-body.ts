import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySink, BodySource } from '../../engine/body.ts'

/** A body that passes on so many bytes, and no more: then `exceeded` is called, once, and the sink hears nothing more. */
export class LimitedBody implements BodySource, BodySink {
  readonly length: number
  private readonly body: BodySource
  private readonly exceeded: (error: TurnpikeError) => void
  private left: number
  private sink: BodySink | null = null

  constructor(body: BodySource, limit: number, exceeded: (error: TurnpikeError) => void) {
    this.body = body
    this.length = body.length
    this.left = limit
    this.exceeded = exceeded
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.body.start(this)
  }

  resume(): void {
    this.body.resume()
  }

  cancel(error: TurnpikeError): void {
    this.sink = null
    this.body.cancel(error)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    const { sink } = this
    if (sink === null) return true
    this.left -= end - start
    if (this.left >= 0) return sink.write(bytes, start, end)
    this.sink = null
    this.exceeded(new TurnpikeError('ERR_BODY_TOO_LARGE'))
    return true
  }

  end(trailers: Headers | null): void {
    this.sink?.end(trailers)
  }

  abort(error: TurnpikeError): void {
    this.sink?.abort(error)
  }

  flush(): void {
    this.sink?.flush()
  }
}
