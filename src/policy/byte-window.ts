const SLICES = 12

/**
 * Bytes within a window of time that moves along, in slices of a twelfth of it. What is in a slice that the window has
 * left in part counts still: the true number is never more than what this says.
 */
export class ByteWindow {
  private readonly sliceMs: number
  private readonly slices = new Float64Array(SLICES + 1)
  /** Number of the slice that is filled now. */
  private current = 0
  private sum = 0

  constructor(windowMs: number) {
    this.sliceMs = windowMs / SLICES
  }

  /** Returns how many there are then. */
  add(bytes: number, now: number): number {
    this.advance(now)
    this.slices[this.current % this.slices.length]! += bytes
    this.sum += bytes
    return this.sum
  }

  total(now: number): number {
    this.advance(now)
    return this.sum
  }

  /** Milliseconds until there are fewer than `limit`, if none come. */
  untilBelow(limit: number, now: number): number {
    let left = this.total(now)
    for (let ahead = 1; left >= limit; ahead++) {
      left -= this.slices[(this.current + ahead) % this.slices.length]!
      if (left < limit || ahead === this.slices.length) return (this.current + ahead) * this.sliceMs - now
    }
    return 0
  }

  private advance(now: number): void {
    const { slices } = this
    const current = Math.floor(now / this.sliceMs)
    for (let left = Math.min(current - this.current, slices.length); left > 0; left--) {
      const at = (current - left + 1) % slices.length
      this.sum -= slices[at]!
      slices[at] = 0
    }
    this.current = current
  }
}
