import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { BodySink, BodySource } from './body.ts'

/** A body on its way through: stands between its source and its sink. What extends it looks at what passes. */
export class PassingBody implements BodySource, BodySink {
  readonly length: number
  /** Null before there is one, and when it is to hear nothing more. */
  protected sink: BodySink | null = null
  private readonly source: BodySource

  constructor(source: BodySource) {
    this.source = source
    this.length = source.length
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.source.start(this)
  }

  resume(): void {
    this.source.resume()
  }

  cancel(error: TurnpikeError): void {
    this.sink = null
    this.source.cancel(error)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    return this.sink === null || this.sink.write(bytes, start, end)
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
