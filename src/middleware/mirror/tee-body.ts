import type { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { BodySource } from '../../engine/body.ts'
import { PassingBody } from '../../engine/passing-body.ts'

/** A request's body that is read as ever, and kept beside up to a bound. */
export class TeeBody extends PassingBody {
  private readonly most: number
  private readonly done: (copy: Buffer | null) => void
  private pieces: Buffer[] | null = []
  private size = 0

  /** `done` is called once: with the whole body, or with null where it was cut short or is larger than `most`. */
  constructor(body: BodySource, most: number, done: (copy: Buffer | null) => void) {
    super(body)
    this.most = most
    this.done = done
  }

  override cancel(error: TurnpikeError): void {
    this.giveUp()
    super.cancel(error)
  }

  override write(bytes: Buffer, start: number, end: number): boolean {
    this.size += end - start
    if (this.size > this.most) this.giveUp()
    else this.pieces?.push(Buffer.from(bytes.subarray(start, end)))
    return super.write(bytes, start, end)
  }

  override end(trailers: Headers | null): void {
    super.end(trailers)
    const { pieces } = this
    this.pieces = null
    if (pieces !== null) this.done(Buffer.concat(pieces))
  }

  override abort(error: TurnpikeError): void {
    this.giveUp()
    super.abort(error)
  }

  /** The exchange is over: what was not read by now never will be. */
  giveUp(): void {
    if (this.pieces === null) return
    this.pieces = null
    this.done(null)
  }
}
