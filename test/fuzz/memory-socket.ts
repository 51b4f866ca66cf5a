import { Duplex } from 'node:stream'

/** A connection in memory whose other side sends the pieces, ends, and takes whatever it is sent. */
export class MemorySocket extends Duplex {
  private readonly pieces: Buffer[]

  constructor(pieces: Buffer[]) {
    super({ allowHalfOpen: true })
    this.pieces = pieces
  }

  override _read(): void {
    const piece = this.pieces.shift()
    // One a turn, as a socket gives them.
    setImmediate(() => this.push(piece ?? null))
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }

  setTimeout(): this {
    return this
  }
}
