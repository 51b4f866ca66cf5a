import type { Middleware } from './middleware.ts'

/** The middleware of one place, such as a route: on each listener that listener's own come before it. */
export class MiddlewareChains {
  /** Told what a middleware threw that is no TurnpikeError. */
  readonly report: (error: unknown) => void
  private readonly own: readonly Middleware[]
  private readonly byListener = new Map<string, readonly Middleware[]>()

  constructor(
    ofListeners: ReadonlyMap<string, readonly Middleware[]>,
    own: readonly Middleware[],
    report: (error: unknown) => void,
  ) {
    this.own = own
    this.report = report
    for (const [listener, first] of ofListeners) {
      if (first.length > 0) this.byListener.set(listener, [...first, ...own])
    }
  }

  /** There is none, on any listener. */
  get empty(): boolean {
    return this.own.length === 0 && this.byListener.size === 0
  }

  /** In the order in which requests meet them. */
  on(listener: string): readonly Middleware[] {
    return this.byListener.get(listener) ?? this.own
  }
}
