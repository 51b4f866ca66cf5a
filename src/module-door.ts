import type { ModuleProxy } from './doors/goproxy/module-proxy.ts'
import type { Exchange } from './engine/exchange.ts'
import { MiddlewareRun } from './engine/middleware/middleware-run.ts'
import type { InFlight } from './engine/in-flight.ts'
import type { MiddlewareChains } from './engine/middleware/middleware-chains.ts'
import type { Door } from './engine/services.ts'

/** The module proxy as a door of its own, behind the middleware of the listener and of `goproxy.use`. */
export class ModuleDoor implements Door {
  private readonly modules: ModuleProxy
  private readonly inFlight: InFlight
  private readonly chains: MiddlewareChains

  constructor(modules: ModuleProxy, inFlight: InFlight, chains: MiddlewareChains) {
    this.modules = modules
    this.inFlight = inFlight
    this.chains = chains
  }

  handle(exchange: Exchange): void {
    const { modules, chains } = this
    this.inFlight.enter(exchange)
    if (chains.empty) return modules.handle(exchange)
    MiddlewareRun.start(chains.on(exchange.session.listener), exchange, chains.report, () => modules.handle(exchange))
  }
}
