import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { Ask } from '../origin/module-origin.ts'
import { Trail } from '../origin/trail.ts'

/** Work that goes on by itself for whoever waits for it: ended with the scope, by its deadline, or given up. */
export class Flight<T> {
  /** How it ended. */
  readonly landed: Promise<T>
  readonly trail = new Trail()
  private readonly controller = new AbortController()

  constructor(scope: Scope, totalMs: number, work: (ask: Ask) => Promise<T>) {
    const { controller } = this
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.landed = promise
    // Those who wait hear of it; where nobody does any more, nobody has to.
    promise.catch(() => {})
    if (scope.signal.aborted) {
      reject(new TurnpikeError('ERR_DRAINING'))
      return
    }
    const end = (): void => this.abandon(new TurnpikeError('ERR_DRAINING'))
    scope.signal.addEventListener('abort', end, { once: true })
    const deadline = scope.after(totalMs, () => this.abandon(new TurnpikeError('ERR_TOTAL_TIMEOUT')))
    scope.task(async () => {
      try {
        resolve(await work({ signal: controller.signal, trail: this.trail }))
      } catch (error) {
        // An origin that was told to stop may say so in its own words.
        reject(controller.signal.aborted ? controller.signal.reason : error)
      } finally {
        deadline.cancel()
        scope.signal.removeEventListener('abort', end)
      }
    })
  }

  /** Ends it, whoever waits. Harmless once it has landed. */
  abandon(reason: Error): void {
    this.controller.abort(reason)
  }

  /** Writes what it did into the trail of one who waits for it; what comes later, with the next call. */
  tellTo(trail: Trail): () => void {
    let told = 0
    return () => {
      trail.decisions.push(...this.trail.decisions.slice(told))
      told = this.trail.decisions.length
    }
  }
}
