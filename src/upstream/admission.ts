import type { Ledger } from '../engine/ledger.ts'

export interface AdmissionOptions {
  maxInFlight: number
  /** How many may wait. */
  queue: number
  /** How long each may wait, ms. */
  queueTimeout: number
}

/** Someone who waits to be let in. */
export interface Applicant {
  /** On the world's clock, ms. */
  readonly queuedAt: number
  admitted(): void
}

/** Lets so many exchanges of an upstream be in flight at a time; others wait their turn, and beyond that are turned away. */
export class Admission {
  readonly options: AdmissionOptions
  inFlight = 0
  private readonly ledger: Ledger
  private readonly waiting = new Set<Applicant>()
  private serving = false

  constructor(options: AdmissionOptions, ledger: Ledger) {
    this.options = options
    this.ledger = ledger
  }

  get queued(): number {
    return this.waiting.size
  }

  /** When the first in the queue came, on the world's clock; undefined for an empty one. */
  get oldest(): number | undefined {
    const [first] = this.waiting
    return first?.queuedAt
  }

  /** `admitted`: in flight from now on. `queued`: `admitted` will be called, unless it withdraws. */
  enter(applicant: Applicant): 'admitted' | 'queued' | 'full' {
    if (this.inFlight < this.options.maxInFlight) {
      this.inFlight++
      return 'admitted'
    }
    if (this.waiting.size >= this.options.queue) return 'full'
    this.waiting.add(applicant)
    this.ledger.enter('queuedExchanges')
    return 'queued'
  }

  /** It waits no longer: its client went away, or its time is up. */
  withdraw(applicant: Applicant): void {
    if (this.waiting.delete(applicant)) this.ledger.strike('queuedExchanges')
  }

  /** One that was in flight is over. */
  leave(): void {
    this.inFlight--
    // One that fails at once leaves from within `admitted`: the loop goes on with the next, rather than deeper.
    if (this.serving) return
    this.serving = true
    while (this.inFlight < this.options.maxInFlight && this.waiting.size > 0) {
      const [next] = this.waiting
      this.withdraw(next!)
      this.inFlight++
      next!.admitted()
    }
    this.serving = false
  }
}
