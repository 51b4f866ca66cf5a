import { ModuleZipError } from './module-zip-error.ts'
import { readFully, type RandomAccess } from './random-access.ts'

/** What is read at once. */
const WINDOW_BYTES = 256 * 1024

/** Reads a zip by and large from front to back: many small pieces from one read. */
export class ReadWindow {
  private readonly source: RandomAccess
  private readonly buffer: Buffer
  private start = 0
  private end = 0

  constructor(source: RandomAccess) {
    this.source = source
    this.buffer = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, source.size))
  }

  /** Most that `take` gives. */
  static readonly max = WINDOW_BYTES

  /**
   * `length` bytes at `position`: a view that holds until the next call. Rejects with a ModuleZipError where the file
   * is over before.
   */
  async take(position: number, length: number): Promise<Buffer> {
    if (position + length > this.source.size) throw new ModuleZipError('the zip is cut short')
    if (position < this.start || position + length > this.end) {
      const count = Math.min(this.buffer.length, this.source.size - position)
      // What it held is gone even where the read fails.
      this.end = this.start
      await readFully(this.source, this.buffer.subarray(0, count), position)
      this.start = position
      this.end = position + count
    }
    return this.buffer.subarray(position - this.start, position - this.start + length)
  }
}
