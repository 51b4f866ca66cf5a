import type { Passage } from './doors/forward/passage.ts'
import type { Exchange } from './engine/exchange.ts'
import type { InFlight } from './engine/in-flight.ts'
import { MiddlewareRun } from './engine/middleware/middleware-run.ts'
import type { MiddlewareChains } from './engine/middleware/middleware-chains.ts'

/** The middleware of the door, and of each rule with it. */
export interface RuleChains {
  usual: MiddlewareChains
  byRule: readonly MiddlewareChains[]
}

/** What a generation puts between the forward proxy and its handlers. */
export class ForwardPassage implements Passage {
  private readonly inFlight: InFlight
  private readonly ofTunnels: RuleChains
  private readonly ofRequests: RuleChains

  /** Apart, since what records requests has nothing to do with tunnels, which then need nothing of their generation. */
  constructor(inFlight: InFlight, ofTunnels: RuleChains, ofRequests: RuleChains) {
    this.inFlight = inFlight
    this.ofTunnels = ofTunnels
    this.ofRequests = ofRequests
  }

  enter(exchange: Exchange): void {
    this.inFlight.enter(exchange)
  }

  pass(exchange: Exchange, rule: number, handler: () => void): void {
    const { byRule, usual } = exchange.destination === null ? this.ofRequests : this.ofTunnels
    const chains = byRule[rule] ?? usual
    if (chains.empty) handler()
    else MiddlewareRun.start(chains.on(exchange.session.listener), exchange, chains.report, handler)
  }
}
