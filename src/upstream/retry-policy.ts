import type { TurnpikeError } from '../core/error.ts'
import type { RetriesConfig } from './config.ts'
import { failureKinds } from './failure-kinds.ts'
import { RetryBudget } from './retry-budget.ts'

/** Which tries are followed by another one, as one upstream's config says (H19, W12). */
export class RetryPolicy {
  readonly budget: RetryBudget
  /** For each try until the head of its reply, ms; 0 for no bound. */
  readonly perTryMs: number
  readonly maxRetries: number
  private readonly codes: ReadonlySet<string>
  private readonly statuses: ReadonlySet<number>
  private readonly methods: ReadonlySet<string>
  private readonly baseMs: number
  private readonly maxMs: number

  constructor({ maxRetries, retryOn, methods, budget, backOff, perTryTimeout }: RetriesConfig) {
    this.maxRetries = maxRetries
    this.budget = new RetryBudget(budget)
    this.perTryMs = perTryTimeout ?? 0
    this.codes = new Set(retryOn.flatMap((cause) => (typeof cause === 'number' ? [] : failureKinds[cause])))
    this.statuses = new Set(retryOn.filter((cause) => typeof cause === 'number'))
    this.methods = new Set(methods)
    this.baseMs = backOff.base
    this.maxMs = backOff.max
  }

  /** Whether a request of that method may be acted on twice. */
  repeats(method: string): boolean {
    return this.methods.has(method)
  }

  coversError({ code }: TurnpikeError): boolean {
    return this.codes.has(code)
  }

  coversStatus(status: number): boolean {
    return this.statuses.has(status)
  }

  /** How long the first, second, … retry waits. `chance`: from 0 up to 1; all of the wait is drawn, so that waves spread. */
  backOffMs(retry: number, chance: number): number {
    return chance * Math.min(this.maxMs, this.baseMs * 2 ** (retry - 1))
  }
}
