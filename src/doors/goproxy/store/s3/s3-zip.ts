import { createHash, type Hash } from 'node:crypto'
import type { StoredZip, ZipFile } from '../module-store.ts'
import { storeError } from '../store-error.ts'

export interface S3ZipSource {
  zip: StoredZip
  /** The object's bytes from a position on; null where it is another by now, or gone. */
  from: (position: number) => Promise<AsyncIterable<Buffer> | null>
  /** What to say of bytes that are not those that were committed. */
  damaged: () => Error
}

/**
 * A zip in a bucket. One request gives all that is read in order; only a jump asks anew. Who reads it from the start to
 * the end gets the last piece when the hash of all of it is right.
 */
export class S3Zip implements ZipFile {
  private readonly source: S3ZipSource
  private pieces: AsyncIterator<Buffer> | null = null
  /** Of the last piece: what was not read yet. */
  private left: Buffer = Buffer.alloc(0)
  private at = 0
  private received = 0
  private hash: Hash | null = null
  private failure: Error | null = null

  constructor(source: S3ZipSource) {
    this.source = source
  }

  get size(): number {
    return this.source.zip.size
  }

  async read(into: Buffer, position: number): Promise<number> {
    if (this.failure !== null) throw this.failure
    if (position >= this.size || into.length === 0) return 0
    if (this.pieces === null || position !== this.at) await this.start(position)
    while (this.left.length === 0) this.left = await this.next()
    const length = this.left.copy(into, 0, 0, this.size - position)
    this.left = this.left.subarray(length)
    this.at += length
    return length
  }

  async close(): Promise<void> {
    const { pieces } = this
    this.pieces = null
    await pieces?.return?.()
  }

  private async start(position: number): Promise<void> {
    await this.close()
    const body = await this.source.from(position)
    if (body === null) throw storeError('has the zip no more as it was')
    this.pieces = body[Symbol.asyncIterator]()
    this.left = Buffer.alloc(0)
    this.at = this.received = position
    this.hash = position === 0 ? createHash('sha256') : null
  }

  private async next(): Promise<Buffer> {
    let piece: Buffer
    try {
      const { done, value } = await this.pieces!.next()
      if (done === true) throw new Error('its reply ended early')
      piece = value
    } catch (error) {
      this.pieces = null
      throw storeError('was cut off', error)
    }
    this.received += piece.length
    this.hash?.update(piece)
    const whole = this.received >= this.size
    if (whole && this.hash !== null && this.hash.digest('hex') !== this.source.zip.sha256) {
      this.failure = this.source.damaged()
      throw this.failure
    }
    return piece
  }
}
