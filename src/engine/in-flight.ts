import type { Exchange } from './exchange.ts'

/** The exchanges that something serves now. They are linked through themselves: entering one costs no memory. */
export class InFlight {
  private first: Exchange | null = null
  private count = 0
  private emptied: (() => void) | null = null

  get size(): number {
    return this.count
  }

  /** Until `endExchange`, or until another one takes it. */
  enter(exchange: Exchange): void {
    exchange.servedBy?.leave(exchange)
    const { first } = this
    exchange.servedBy = this
    exchange.after = first
    if (first !== null) first.before = exchange
    this.first = exchange
    this.count++
  }

  leave(exchange: Exchange): void {
    const { before, after } = exchange
    if (before === null) this.first = after
    else before.after = after
    if (after !== null) after.before = before
    exchange.servedBy = exchange.before = exchange.after = null
    if (--this.count === 0 && this.emptied !== null) this.emptied()
  }

  /** Those of the moment, as a list of their own. */
  all(): Exchange[] {
    const all: Exchange[] = []
    for (let each = this.first; each !== null; each = each.after) all.push(each)
    return all
  }

  /** Resolves when none is left. To be called once, when no more are entered. */
  empty(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => (this.emptied = resolve))
  }
}
