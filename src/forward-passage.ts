import type { Passage } from './doors/forward/passage.ts'
import type { Exchange } from './engine/exchange.ts'
import type { InFlight } from './engine/in-flight.ts'
import { MiddlewareRun } from './engine/middleware/middleware-run.ts'
import type { MiddlewareChains } from './engine/middleware/middleware-chains.ts'

/** What a generation puts between the forward proxy and its handlers. */
export class ForwardPassage implements Passage {
  private readonly inFlight: InFlight
  private readonly usual: MiddlewareChains
  private readonly byRule: readonly MiddlewareChains[]

  constructor(inFlight: InFlight, usual: MiddlewareChains, byRule: readonly MiddlewareChains[]) {
    this.inFlight = inFlight
    this.usual = usual
    this.byRule = byRule
  }

  enter(exchange: Exchange): void {
    this.inFlight.enter(exchange)
  }

  pass(exchange: Exchange, rule: number, handler: () => void): void {
    const chains = this.byRule[rule] ?? this.usual
    if (chains.empty) handler()
    else MiddlewareRun.start(chains.on(exchange.session.listener), exchange, chains.report, handler)
  }
}
