import type { FileSink } from './module-files.ts'

/** A file in memory, for those that are small. */
export class Gathered implements FileSink {
  expected = -1
  private readonly pieces: Buffer[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }

  write(piece: Buffer): Promise<void> {
    this.pieces.push(piece)
    return Promise.resolve()
  }

  end(): Promise<void> {
    return Promise.resolve()
  }
}
