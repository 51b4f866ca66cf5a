import { TurnpikeError } from '../../core/error.ts'
import type { BodySink, BodySource } from '../body.ts'

/** A request's body that is made while it is sent, of announced length: a piece is asked for when the one before has left. */
export class PiecesSource implements BodySource {
  readonly length: number
  private readonly pieces: AsyncIterator<Uint8Array>
  private readonly failed: (error: TurnpikeError) => void
  private sink: BodySink | null = null
  private held: PromiseWithResolvers<void> | null = null

  /** `failed` is told where the pieces throw, or are not as many bytes as announced. */
  constructor(length: number, pieces: AsyncIterable<Uint8Array>, failed: (error: TurnpikeError) => void) {
    this.length = length
    this.pieces = pieces[Symbol.asyncIterator]()
    this.failed = failed
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.pump(sink).catch((thrown: unknown) => this.failed(TurnpikeError.from(thrown, 'send')))
  }

  resume(): void {
    this.held?.resolve()
    this.held = null
  }

  cancel(): void {
    this.sink = null
    this.resume()
    // What its clean-up throws, nobody waits for any more.
    this.pieces.return?.().catch((thrown: unknown) => this.failed(TurnpikeError.from(thrown, 'send')))
  }

  private async pump(sink: BodySink): Promise<void> {
    let left = this.length
    while (left > 0) {
      const piece = await this.pieces.next()
      if (this.sink === null) return
      const { buffer, byteOffset, byteLength } = piece.done === true ? empty : piece.value
      left -= byteLength
      // RFC 9112 §6.3: what is sent would be read as something else.
      if (piece.done === true || left < 0)
        throw new TurnpikeError('ERR_INTERNAL', { phase: 'send', message: WRONG_LENGTH })
      if (!sink.write(Buffer.from(buffer, byteOffset, byteLength), 0, byteLength)) {
        this.held = Promise.withResolvers()
        sink.flush()
        await this.held.promise
      } else sink.flush()
      if (this.isCancelled()) return
    }
    this.sink = null
    sink.end(null)
    sink.flush()
  }

  /** May have become so during any wait. */
  private isCancelled(): boolean {
    return this.sink === null
  }
}

const empty = Buffer.alloc(0)
const WRONG_LENGTH = 'The body of a request is not as long as announced.'
