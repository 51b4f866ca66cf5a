import type { Exchange } from '../../engine/exchange.ts'

/** The way from the door to a handler: what the config puts in between. */
export interface Passage {
  /** The exchange is served by this config: counted until it ends. Called once, first of all. */
  enter(exchange: Exchange): void
  /**
   * Runs the middleware of the listener, of the door and of a rule, then `handler`, unless one of them answers. Called
   * once at most. `rule`: its index, -1 for none.
   */
  pass(exchange: Exchange, rule: number, handler: () => void): void
}
