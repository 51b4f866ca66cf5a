import type { Problem } from '../config/errors.ts'

/** How a reload ended: a new generation serves; the config says what it said before; or the one before goes on. */
export const reloadResults = ['applied', 'unchanged', 'refused'] as const

export type ReloadResult = (typeof reloadResults)[number]

/** One thing that is wrong, with its place where it is the config's. */
export type ReloadProblem = Pick<Problem, 'code' | 'message'> & Partial<Problem>

/** What became of a reload. */
export interface ReloadReport {
  result: ReloadResult
  /** Of the config that serves from here on: the new one where it was applied. */
  revision: string
  /** Why it was refused; empty in the other cases. */
  problems: readonly ReloadProblem[]
  /** From the trigger to the swap or the refusal, ms. */
  durationMs: number
}

/** A reload and when it was; times in ms since 1970. */
export interface ReloadAttempt extends ReloadReport {
  at: number
  /** What asked for it: `file`, `signal`, `api`, `call`. */
  reason: string
}

/** What has become of the config since the start. */
export class ReloadHistory {
  /** Generations so far; the first is the start's. */
  generation = 1
  /** When the config that serves was put in place, ms since 1970. */
  since: number
  last: ReloadAttempt | null = null
  readonly counts: Record<ReloadResult, number> = { applied: 0, unchanged: 0, refused: 0 }

  constructor(since: number) {
    this.since = since
  }

  /** Whether the config as it was last read is the one that serves. */
  get successful(): boolean {
    return this.last === null || this.last.result !== 'refused'
  }

  add(attempt: ReloadAttempt): void {
    this.last = attempt
    this.counts[attempt.result]++
    if (attempt.result !== 'applied') return
    this.generation++
    this.since = attempt.at
  }
}
