import type { Rate } from '../core/units.ts'

/** How many tokens a bucket holds, and how fast it fills. */
export interface BucketSettings {
  rate: Rate
  /** Tokens of a full bucket: at least 1. */
  burst: number
}

/**
 * The arithmetic of token buckets that start full: within any time t, no more than rate × t + burst tokens are
 * taken. A bucket is one number: the time at which it will be full again (GCRA, ITU-T I.371), so that one
 * that is full needs no memory at all.
 */
export class TokenBucket {
  /** Tokens of a full bucket. */
  readonly burst: number
  /** Milliseconds in which one token comes. */
  readonly tokenMs: number
  /** Milliseconds in which an empty bucket fills. */
  readonly fillMs: number

  constructor({ rate, burst }: BucketSettings) {
    this.burst = burst
    this.tokenMs = rate.perMs / rate.count
    this.fillMs = this.tokenMs * burst
  }

  /** When the bucket is full again after one token is taken; NaN where there is none to take. */
  take(fullAt: number, now: number): number {
    const next = (fullAt > now ? fullAt : now) + this.tokenMs
    return next - now <= this.fillMs + CLOCK_ERROR_MS ? next : NaN
  }

  /** When the bucket is full again after so many tokens were taken, there or not: what is missing is a debt. */
  spend(fullAt: number, now: number, tokens: number): number {
    return (fullAt > now ? fullAt : now) + tokens * this.tokenMs
  }

  /** Milliseconds until no debt is left; 0 where there is none. */
  debtMs(fullAt: number, now: number): number {
    return Math.max(0, fullAt - now - this.fillMs)
  }

  /** Whole tokens that are there. */
  remaining(fullAt: number, now: number): number {
    if (fullAt <= now) return this.burst
    const left = Math.floor((this.fillMs - (fullAt - now) + CLOCK_ERROR_MS) / this.tokenMs)
    return left > 0 ? left : 0
  }

  /** Milliseconds until there is one whole token more than now; 0 where the bucket is full. */
  untilNext(fullAt: number, now: number): number {
    if (fullAt <= now) return 0
    const left = this.remaining(fullAt, now)
    return Math.max(0, fullAt - now - (this.burst - left - 1) * this.tokenMs)
  }
}

/** What sums of milliseconds with fractions may be off by. */
const CLOCK_ERROR_MS = 1e-6
