import type { TurnpikeError } from '../../../core/error.ts'
import type { Headers } from '../../../core/headers.ts'
import type { BodySink, BodySource } from '../../../engine/body.ts'
import type { BodyFilter } from '../../../engine/middleware/body-filter.ts'
import { PassingBody } from '../../../engine/passing-body.ts'
import type { CapturedBody } from './captured-body.ts'

/** A request's body on its way to the target, looked at. */
export class RequestTap extends PassingBody {
  private readonly captured: CapturedBody
  private readonly sent: () => void

  /** `sent` is called at its end. */
  constructor(source: BodySource, captured: CapturedBody, sent: () => void) {
    super(source)
    this.captured = captured
    this.sent = sent
  }

  override write(bytes: Buffer, start: number, end: number): boolean {
    this.captured.add(bytes, start, end)
    return super.write(bytes, start, end)
  }

  override end(trailers: Headers | null): void {
    this.captured.ended = true
    this.sent()
    super.end(trailers)
  }
}

/** A reply's body on its way from the target, looked at. */
export class ReplyTap implements BodyFilter {
  private readonly captured: CapturedBody
  private readonly next: BodySink
  private readonly ready: () => void

  constructor(captured: CapturedBody, next: BodySink, ready: () => void) {
    this.captured = captured
    this.next = next
    this.ready = ready
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.captured.add(bytes, start, end)
    return this.next.write(bytes, start, end)
  }

  end(trailers: Headers | null): void {
    this.captured.ended = true
    this.next.end(trailers)
  }

  abort(error: TurnpikeError): void {
    this.next.abort(error)
  }

  flush(): void {
    this.next.flush()
  }

  resume(): void {
    this.ready()
  }

  cancel(): void {}
}
