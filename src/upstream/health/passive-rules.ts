import { failureKinds } from '../failure-kinds.ts'
import type { PassiveHealthConfig } from './config.ts'

const statuses = Array.from({ length: 100 }, (_, index) => String(500 + index))

/** What each word of `on` stands for that is no status itself: cause codes, and statuses. */
const causes: Readonly<Record<string, readonly string[]>> = { ...failureKinds, '5xx': statuses }

/** Longest ejection, in first ones. */
const MOST_TIMES_LONGER = 8

/** When requests that fail take an endpoint out, as one upstream's config says. Times in ms. */
export class PassiveRules {
  readonly failures: number
  readonly withinMs: number
  readonly maxEjected: number
  private readonly ejectForMs: number
  private readonly counted: ReadonlySet<string>

  constructor({ failures, within, ejectFor, maxEjected, on }: PassiveHealthConfig) {
    this.failures = failures
    this.withinMs = within
    this.ejectForMs = ejectFor
    this.maxEjected = maxEjected
    this.counted = new Set(on.flatMap((word) => causes[word] ?? [word]))
  }

  /** Whether a cause code or status speaks against the endpoint. */
  counts(reason: string): boolean {
    return this.counted.has(reason)
  }

  /** How long an endpoint is out whose last ejection took `lastMs`, 0 where it has held out since. */
  ejectionMs(lastMs: number): number {
    return lastMs === 0 ? this.ejectForMs : Math.min(lastMs * 2, this.ejectForMs * MOST_TIMES_LONGER)
  }
}
