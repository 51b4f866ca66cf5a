/** Upper bounds in seconds; a last bucket takes what is longer. */
export const bucketBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

const bounds = Float64Array.from(bucketBounds)

/** Durations in seconds, counted in fixed buckets. */
export class Histogram {
  /** How many fell into each bucket, not cumulated; one more than there are bounds. */
  readonly counts = new Float64Array(bucketBounds.length + 1)
  sum = 0

  observe(seconds: number): void {
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (seconds <= bounds[middle]!) high = middle
      else low = middle + 1
    }
    this.counts[low]!++
    this.sum += seconds
  }

  get count(): number {
    let count = 0
    for (const each of this.counts) count += each
    return count
  }

  add(other: Histogram): void {
    for (let at = 0; at < this.counts.length; at++) this.counts[at]! += other.counts[at]!
    this.sum += other.sum
  }

  /** Seconds below which that share (0 to 1) lies, by straight line within a bucket; 0 while empty, at most 60. */
  quantile(share: number): number {
    const rank = this.count * share
    let below = 0
    for (let at = 0; at < bounds.length; at++) {
      const inside = this.counts[at]!
      if (inside > 0 && below + inside >= rank) {
        const from = at === 0 ? 0 : bounds[at - 1]!
        return from + ((bounds[at]! - from) * (rank - below)) / inside
      }
      below += inside
    }
    return below === this.count ? 0 : bounds.at(-1)!
  }
}
