import type { TurnpikeError } from '../../core/error.ts'

/** What is kept for a reader that is behind, before the connection is told to wait. */
const MOST_WAITING_BYTES = 256 * 1024

/** Who brings the bytes. */
export interface ReplyFeed {
  /** There is room again, after a `push` that returned false. */
  wanted(): void
  /** Nobody reads the rest. */
  givenUp(): void
}

/** The body of a reply to a request of our own: pushed by a connection, pulled by one reader. */
export class ReplyBody implements AsyncIterable<Buffer>, AsyncIterator<Buffer, undefined> {
  private readonly feed: ReplyFeed
  private readonly pieces: Buffer[] = []
  private waitingBytes = 0
  private held = false
  private ended = false
  private error: TurnpikeError | null = null
  private reader: PromiseWithResolvers<IteratorResult<Buffer, undefined>> | null = null

  constructor(feed: ReplyFeed) {
    this.feed = feed
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Takes a piece over. False: no more until `wanted`. */
  push(piece: Buffer): boolean {
    const { reader } = this
    if (reader !== null) {
      this.reader = null
      reader.resolve({ done: false, value: piece })
      return true
    }
    this.pieces.push(piece)
    this.waitingBytes += piece.length
    this.held = this.waitingBytes >= MOST_WAITING_BYTES
    return !this.held
  }

  end(): void {
    this.ended = true
    this.reader?.resolve({ done: true, value: undefined })
    this.reader = null
  }

  /** What came before is still read. */
  fail(error: TurnpikeError): void {
    if (this.ended) return
    this.ended = true
    const { reader } = this
    this.reader = null
    if (reader === null) this.error = error
    else reader.reject(error)
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const piece = this.pieces.shift()
    if (piece !== undefined) {
      this.waitingBytes -= piece.length
      if (this.held && this.waitingBytes < MOST_WAITING_BYTES / 2) {
        this.held = false
        this.feed.wanted()
      }
      return Promise.resolve({ done: false, value: piece })
    }
    const { error } = this
    if (error !== null) {
      this.error = null
      return Promise.reject(error)
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined })
    this.reader ??= Promise.withResolvers()
    return this.reader.promise
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.pieces.length = 0
    this.error = null
    if (!this.ended) {
      this.end()
      this.feed.givenUp()
    }
    return Promise.resolve({ done: true, value: undefined })
  }
}
