/** When a breaker opens, and how it closes again. Times in ms, shares from 0 to 1. */
export interface BreakerOptions {
  /** Share of failures among at least `minRequests` of the last `within`; or so many failures in a row. */
  trip: { errorRate: number; minRequests: number; within: number } | { consecutiveFailures: number }
  openFor: number
  /** Trials that must all succeed. */
  halfOpenRequests: number
}

export type BreakerState = 'closed' | 'open' | 'halfOpen'

const SLICES = 10

/**
 * Keeps requests from an endpoint that fails most of them. Closed: counts. Open: none go there. Half-open, after
 * `openFor`: some trials; all of them succeed and it is closed, one fails and it is open again.
 */
export class CircuitBreaker {
  private readonly options: BreakerOptions
  private current: BreakerState = 'closed'
  private openUntil = 0
  /** Trials under way, and those that succeeded. */
  private trying = 0
  private passed = 0
  private inARow = 0
  private readonly total = new Float64Array(SLICES)
  private readonly failed = new Float64Array(SLICES)
  private slice = 0

  constructor(options: BreakerOptions) {
    this.options = options
  }

  state(now: number): BreakerState {
    return this.current === 'open' && now >= this.openUntil ? 'halfOpen' : this.current
  }

  /** When the first trial may be made, on the world's clock; 0 where it is not open. */
  opensAgainAt(now: number): number {
    return this.state(now) === 'open' ? this.openUntil : 0
  }

  /** Whether a request may go there now. Changes nothing. */
  allows(now: number): boolean {
    const state = this.state(now)
    if (state !== 'halfOpen') return state === 'closed'
    return this.current === 'open' || this.trying + this.passed < this.options.halfOpenRequests
  }

  /** A request goes there: true where it is a trial, whose verdict or `withdraw` must follow. */
  begin(now: number): boolean {
    if (this.state(now) !== 'halfOpen') return false
    if (this.current === 'open') {
      this.current = 'halfOpen'
      this.trying = this.passed = 0
    }
    this.trying++
    return true
  }

  /** A trial ended without a verdict: its client went away. */
  withdraw(): void {
    if (this.current === 'halfOpen') this.trying--
  }

  /** The verdict on a request. What was sent before the breaker opened says nothing any more. */
  record(succeeded: boolean, trial: boolean, now: number): void {
    if (this.current === 'closed') {
      if (!trial && this.trips(succeeded, now)) this.open(now)
      return
    }
    if (!trial || this.current !== 'halfOpen') return
    this.trying--
    if (!succeeded) this.open(now)
    else if (++this.passed >= this.options.halfOpenRequests) this.close()
  }

  private open(now: number): void {
    this.current = 'open'
    this.openUntil = now + this.options.openFor
  }

  private close(): void {
    this.current = 'closed'
    this.inARow = 0
    this.total.fill(0)
    this.failed.fill(0)
  }

  private trips(succeeded: boolean, now: number): boolean {
    const { trip } = this.options
    if ('consecutiveFailures' in trip) {
      this.inARow = succeeded ? 0 : this.inARow + 1
      return this.inARow >= trip.consecutiveFailures
    }
    this.turn(Math.floor((now / trip.within) * SLICES))
    const at = this.slice % SLICES
    this.total[at]!++
    if (succeeded) return false
    this.failed[at]!++
    let total = 0
    let failed = 0
    for (let each = 0; each < SLICES; each++) {
      total += this.total[each]!
      failed += this.failed[each]!
    }
    return total >= trip.minRequests && failed >= trip.errorRate * total
  }

  /** Empties the slices that have gone by since the last verdict. */
  private turn(slice: number): void {
    for (let next = Math.max(this.slice + 1, slice - SLICES + 1); next <= slice; next++) {
      this.total[next % SLICES] = this.failed[next % SLICES] = 0
    }
    this.slice = slice
  }
}
