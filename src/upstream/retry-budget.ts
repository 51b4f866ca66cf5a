const SECONDS = 10
/** Retries that are always allowed in that time: a quiet upstream would else have none. */
const FLOOR = 10

/** Bounds retries to a share of the requests of the last ten seconds: a storm of failures does not become two (W12). */
export class RetryBudget {
  /** Retries that were wanted and not allowed. */
  exhausted = 0
  private readonly share: number
  private readonly requests = new Float64Array(SECONDS)
  private readonly retries = new Float64Array(SECONDS)
  private second = 0

  /** `share`: from 0 to 1. */
  constructor(share: number) {
    this.share = share
  }

  /** A request came, its first try. */
  request(now: number): void {
    this.requests[this.turn(now)]!++
  }

  /** Takes a retry out of the budget; false where there is none left. */
  take(now: number): boolean {
    const at = this.turn(now)
    const allowed = Math.max(FLOOR, this.share * sum(this.requests))
    if (sum(this.retries) + 1 > allowed) {
      this.exhausted++
      return false
    }
    this.retries[at]!++
    return true
  }

  private turn(now: number): number {
    const second = Math.floor(now / 1000)
    for (let next = Math.max(this.second + 1, second - SECONDS + 1); next <= second; next++) {
      this.requests[next % SECONDS] = this.retries[next % SECONDS] = 0
    }
    this.second = second
    return second % SECONDS
  }
}

function sum(counts: Float64Array): number {
  let total = 0
  for (let at = 0; at < SECONDS; at++) total += counts[at]!
  return total
}
