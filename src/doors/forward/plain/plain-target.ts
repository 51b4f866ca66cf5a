import { TurnpikeError } from '../../../core/error.ts'
import type { AttemptWatcher } from '../../../engine/attempt-watcher.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import { Pool, type PoolOptions } from '../../../engine/http1/pool.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { noteFailure } from '../../../upstream/cluster.ts'
import { isStale } from '../../../upstream/member.ts'

/** One place that plain requests are sent to: an origin, or the parent that is asked for it. */
export class PlainTarget implements AttemptWatcher {
  private readonly services: EngineServices
  /** What logs call it. */
  private readonly url: string
  /** Name of the parent that its requests go to, or through; '' for none. */
  private readonly parent: string
  /** It is the parent itself that is sent requests. */
  private readonly asksParent: boolean
  private readonly pool: Pool
  /** Whose reply was the parent's own to us, and is not the client's. */
  private refused: Exchange | null = null

  constructor(
    services: EngineServices,
    { url, parent, asksParent, pool }: { url: string; parent: string; asksParent: boolean; pool: PoolOptions },
  ) {
    this.services = services
    this.url = url
    this.parent = parent
    this.asksParent = asksParent
    this.pool = new Pool(services, pool)
  }

  send(exchange: Exchange): void {
    exchange.endpoint = this.url
    exchange.upstream = this.parent
    this.pool.send(exchange, this, false)
  }

  close(): void {
    this.pool.close()
  }

  replied(exchange: Exchange, status: number): boolean {
    // It asks us, not the client, who must not answer with a password of its own (RFC 9110 §11.7.1).
    if (status !== 407 || !this.asksParent) return true
    this.refused = exchange
    return false
  }

  /** H19: once more where a kept connection had closed before any byte of a reply. */
  attemptFailed(exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    if (!isStale(error, repeatable) || exchange.failedAttempts !== null) return exchange.fail(error)
    noteFailure(exchange, error.code, this.services.world.now())
    this.pool.send(exchange, this, true)
  }

  attemptEnded(exchange: Exchange): void {
    if (this.refused !== exchange) return
    this.refused = null
    exchange.fail(new TurnpikeError('ERR_PARENT_AUTH', { message: `The parent ${this.parent}: it answers 407` }))
  }
}
