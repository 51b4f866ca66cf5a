import type { Scope } from '../scope.ts'

/** How often a middleware did one thing. */
export interface MiddlewareEvent {
  /** Name of the middleware, as in `MiddlewareContext`. */
  readonly middleware: string
  /** What it did: one word of its own. */
  readonly event: string
  count: number
}

/** What middleware counts, for the metrics. A count outlives a reload, and goes with the last generation that has its middleware. */
export class MiddlewareEvents implements Iterable<MiddlewareEvent> {
  private readonly events = new Set<MiddlewareEvent>()

  /** The counter of an event, to be incremented where it happens. */
  counter(scope: Scope, middleware: string, event: string): MiddlewareEvent {
    return scope.shared(`middleware event ${JSON.stringify([middleware, event])}`, (own) => {
      const counter = { middleware, event, count: 0 }
      this.events.add(counter)
      own.use({ [Symbol.dispose]: () => this.events.delete(counter) })
      return counter
    })
  }

  [Symbol.iterator](): Iterator<MiddlewareEvent> {
    return this.events[Symbol.iterator]()
  }
}
