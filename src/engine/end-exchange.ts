import type { Exchange } from './exchange.ts'
import type { EngineServices } from './services.ts'

/** The end of every exchange, whatever carried it: called once, after the last byte of its reply or its abort. */
export function endExchange(services: EngineServices, exchange: Exchange): void {
  exchange.finishedAt = services.world.now()
  exchange.hooks?.finish()
  exchange.meter?.ended(exchange)
  services.observer.finished(exchange)
  exchange.servedBy?.leave(exchange)
  services.ledger.strike('exchanges')
}
