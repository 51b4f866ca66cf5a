import type { RouteTarget } from './doors/gateway/gateway.ts'
import type { ModuleProxy } from './doors/goproxy/module-proxy.ts'
import type { Exchange } from './engine/exchange.ts'

/** The module proxy as what a gateway route leads to. */
export class ModuleTarget implements RouteTarget {
  readonly upgrade: readonly string[] = []
  private readonly modules: ModuleProxy
  private readonly mount: string

  constructor(modules: ModuleProxy, mount: string) {
    this.modules = modules
    this.mount = mount
  }

  handle(exchange: Exchange): void {
    this.modules.handleBelow(exchange, this.mount)
  }
}
