/** The beginning of a body: up to 64 KiB. */
export class KeptBody {
  private readonly pieces: Buffer[] = []
  private size = 0

  /** Nothing more is kept. */
  get full(): boolean {
    return this.size >= LIMIT
  }

  /** Copies bytes[start..end). */
  add(bytes: Buffer, start = 0, end = bytes.length): void {
    const kept = Math.min(end, start + LIMIT - this.size)
    this.pieces.push(Buffer.from(bytes.subarray(start, kept)))
    this.size += kept - start
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

const LIMIT = 64 * 1024
