import type { TurnpikeError } from '../../../core/error.ts'
import type { AttemptWatcher } from '../../../engine/attempt-watcher.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { Pool, type PoolOptions } from '../../../engine/http1/pool.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { noteFailure } from '../../../upstream/cluster.ts'
import { isStale } from '../../../upstream/member.ts'
import { tlsFault } from './tls-fault.ts'

export interface InterceptedTargetOptions {
  services: EngineServices
  /** Host that is asked for. */
  host: string
  /** What logs call it. */
  url: string
  /** The parent that it is reached through, '' for none. */
  parent: string
  pool: PoolOptions
}

/** Where the requests of one tunnel go: on the connection that the tunnel was opened with, and on others like it. */
export class InterceptedTarget implements AttemptWatcher {
  private readonly options: InterceptedTargetOptions
  private readonly pool: Pool

  constructor(options: InterceptedTargetOptions, dialled: Dialled) {
    this.options = options
    this.pool = new Pool(options.services, options.pool)
    this.pool.adopt(dialled)
  }

  send(exchange: Exchange): void {
    exchange.endpoint = this.options.url
    exchange.upstream = this.options.parent
    this.pool.send(exchange, this, false)
  }

  close(): void {
    this.pool.close()
  }

  replied(): boolean {
    return true
  }

  /** H19: once more where a kept connection had closed before any byte of a reply. */
  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    const { services, host } = this.options
    if (!isStale(error, repeatable) || exchange.failedAttempts !== null) return exchange.fail(tlsFault(error, host))
    noteFailure(exchange, error.code, services.world.now())
    this.pool.send(exchange, this, true)
  }

  attemptEnded(): void {}
}
