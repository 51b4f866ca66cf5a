import { ReadBuffers } from '../http1/read-buffers.ts'

/** Fewer and larger reads cost less, as long as all that is read stays in the processor's cache. */
const LARGE_BYTES = 512 * 1024
const MOST_LARGE = 8
const SMALL_BYTES = 64 * 1024
const MOST_SMALL = 64

/**
 * Memory that relays read into while much moves. There is only so much of it: a relay that falls silent in the middle
 * keeps its buffer, since nothing but a read can take it from a socket. Who gets none copies what it reads.
 */
export class RelayBuffers {
  private readonly large = new ReadBuffers(LARGE_BYTES, MOST_LARGE)
  private readonly small = new ReadBuffers(SMALL_BYTES, MOST_SMALL)
  private largeOnes = 0
  private smallOnes = 0

  /** Null where all of it is in use. */
  take(): Buffer | null {
    if (this.largeOnes < MOST_LARGE) {
      this.largeOnes++
      return this.large.take()
    }
    if (this.smallOnes === MOST_SMALL) return null
    this.smallOnes++
    return this.small.take()
  }

  /** `free`: nobody reads into it or sends from it any more; else it is the collector's. */
  release(buffer: Buffer, free: boolean): void {
    const isLarge = buffer.length === LARGE_BYTES
    if (isLarge) this.largeOnes--
    else this.smallOnes--
    if (free) (isLarge ? this.large : this.small).give(buffer)
  }
}
