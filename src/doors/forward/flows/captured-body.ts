/** The beginning of a body that passes: counted whole, kept up to a bound. */
export class CapturedBody {
  /** Bytes that passed. */
  size = 0
  /** Bytes that were kept of them. */
  kept = 0
  /** All of it has passed. */
  ended = false
  private readonly mostBytes: number
  private pieces: Buffer[] = []

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.size += end - start
    const take = Math.min(end - start, this.mostBytes - this.kept)
    if (take <= 0) return
    // The memory is the connection's.
    this.pieces.push(Buffer.from(bytes.subarray(start, start + take)))
    this.kept += take
  }

  /** What was kept. */
  get bytes(): Buffer {
    const bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces)
    this.pieces = [bytes]
    return bytes
  }

  /** What was kept is all there was. */
  get whole(): boolean {
    return this.ended && this.kept === this.size
  }
}
