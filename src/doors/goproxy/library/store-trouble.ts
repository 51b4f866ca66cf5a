import { TurnpikeError } from '../../../core/error.ts'
import type { Notify } from '../../../engine/services.ts'

/** Goes on where the store fails in what answers can do without, and tells of it once, until something could be kept again. */
export class StoreTrouble {
  private readonly notify: Notify
  private failing = false

  constructor(notify: Notify) {
    this.notify = notify
  }

  /** What the store says; null where it fails. */
  async unlessFailing<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      this.fails(error)
      return null
    }
  }

  /** It failed in something else that goes on without it. */
  fails(thrown: unknown): void {
    if (this.failing) return
    this.failing = true
    const { code, message } = TurnpikeError.from(thrown, 'body')
    this.notify('warn', 'the module store fails: what is fetched is served and not kept', { code, error: message })
  }

  /** It took something in. */
  works(): void {
    if (!this.failing) return
    this.failing = false
    this.notify('info', 'the module store takes what is fetched again', {})
  }
}
