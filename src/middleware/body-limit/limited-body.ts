import { TurnpikeError } from '../../core/error.ts'
import type { BodySource } from '../../engine/body.ts'
import { PassingBody } from '../../engine/passing-body.ts'

/** A body that passes on so many bytes, and no more: then `exceeded` is called, once, and the sink hears nothing more. */
export class LimitedBody extends PassingBody {
  private readonly exceeded: (error: TurnpikeError) => void
  private left: number

  constructor(body: BodySource, limit: number, exceeded: (error: TurnpikeError) => void) {
    super(body)
    this.left = limit
    this.exceeded = exceeded
  }

  override write(bytes: Buffer, start: number, end: number): boolean {
    if (this.sink === null) return true
    this.left -= end - start
    if (this.left >= 0) return super.write(bytes, start, end)
    this.sink = null
    this.exceeded(new TurnpikeError('ERR_BODY_TOO_LARGE'))
    return true
  }
}
