import type { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySink, BodySource } from '../../engine/body.ts'

/** A request's body that is read as ever, and kept beside up to a bound. */
export class TeeBody implements BodySource, BodySink {
  readonly length: number
  private readonly body: BodySource
  private readonly most: number
  private readonly done: (copy: Buffer | null) => void
  private sink!: BodySink
  private pieces: Buffer[] | null = []
  private size = 0

  /** `done` is called once: with the whole body, or with null where it was cut short or is larger than `most`. */
  constructor(body: BodySource, most: number, done: (copy: Buffer | null) => void) {
    this.body = body
    this.length = body.length
    this.most = most
    this.done = done
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.body.start(this)
  }

  resume(): void {
    this.body.resume()
  }

  cancel(error: TurnpikeError): void {
    this.giveUp()
    this.body.cancel(error)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.size += end - start
    if (this.size > this.most) this.giveUp()
    else this.pieces?.push(Buffer.from(bytes.subarray(start, end)))
    return this.sink.write(bytes, start, end)
  }

  end(trailers: Headers | null): void {
    this.sink.end(trailers)
    const { pieces } = this
    this.pieces = null
    if (pieces !== null) this.done(Buffer.concat(pieces))
  }

  abort(error: TurnpikeError): void {
    this.giveUp()
    this.sink.abort(error)
  }

  flush(): void {
    this.sink.flush()
  }

  /** The exchange is over: what was not read by now never will be. */
  giveUp(): void {
    if (this.pieces === null) return
    this.pieces = null
    this.done(null)
  }
}
