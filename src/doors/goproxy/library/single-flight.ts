import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Ask } from '../origin/module-origin.ts'
import { Flight } from './flight.ts'
import { untilAborted } from './until-aborted.ts'

/** One piece of work for everybody who asks for the same at the same time. Given up when all of them have left. */
export class SingleFlight<T> {
  private readonly scope: Scope
  private readonly totalMs: number
  private readonly flights = new Map<string, Joined<T>>()

  /** `totalMs`: deadline of one flight. */
  constructor(scope: Scope, totalMs: number) {
    this.scope = scope
    this.totalMs = totalMs
  }

  /** Whether somebody waits for it now. */
  has(key: string): boolean {
    return this.flights.has(key)
  }

  async join(key: string, ask: Ask, work: (ask: Ask) => Promise<T>): Promise<T> {
    const joined = this.flights.get(key) ?? this.start(key, work)
    const tell = joined.flight.tellTo(ask.trail)
    joined.waiting++
    try {
      return await untilAborted(joined.flight.landed, ask.signal)
    } finally {
      tell()
      if (--joined.waiting === 0) {
        this.forget(key, joined)
        joined.flight.abandon(new TurnpikeError('ERR_CLIENT_ABORT'))
      }
    }
  }

  private start(key: string, work: (ask: Ask) => Promise<T>): Joined<T> {
    const joined = { flight: new Flight(this.scope, this.totalMs, work), waiting: 0 }
    this.flights.set(key, joined)
    const forget = (): void => this.forget(key, joined)
    joined.flight.landed.then(forget, forget)
    return joined
  }

  private forget(key: string, joined: Joined<T>): void {
    if (this.flights.get(key) === joined) this.flights.delete(key)
  }
}

interface Joined<T> {
  flight: Flight<T>
  waiting: number
}
