import { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Scope } from '../../engine/scope.ts'
import type { Door, EngineServices } from '../../engine/services.ts'
import type { GoproxyConfig } from './config.ts'

/** What a module proxy is built with. */
export interface ModuleProxyParts {
  services: EngineServices
  /** Its own: all that it starts ends with it. It lives as long as any generation has this very config. */
  scope: Scope
  /** Told what nobody else hears of. */
  report: (error: unknown) => void
}

/** The door to Go modules. */
export class ModuleProxy implements Door {
  /** Its store is open and it can serve. Rejects with a TurnpikeError. */
  readonly ready: Promise<void>

  constructor(_config: GoproxyConfig, _parts: ModuleProxyParts) {
    this.ready = Promise.resolve()
  }

  /** Throws what the client did wrong. */
  handle(exchange: Exchange): void {
    this.handleBelow(exchange, '')
  }

  /** The same for a request behind a gateway route: `mount` is what its path begins with, '' for nothing. */
  handleBelow(_exchange: Exchange, _mount: string): void {
    throw new TurnpikeError('ERR_NO_ROUTE')
  }
}
