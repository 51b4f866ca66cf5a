import { TurnpikeError } from '../../core/error.ts'
import { BytesSource } from '../../engine/body.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { MiddlewareEvent } from '../../engine/middleware/middleware-events.ts'
import type { UpstreamPort } from '../../engine/middleware/middleware.ts'
import type { EngineServices } from '../../engine/services.ts'
import { Deadline } from '../../engine/timers.ts'
import { copyRequest } from './copied-request.ts'
import { MirroredExchange } from './mirrored-exchange.ts'

/** What a `mirror` counts. */
export interface MirrorEvents {
  /** Copies that were sent. */
  mirrored: MiddlewareEvent
  /** Requests that were to be copied, and were not: too large, too slow, too many. */
  skipped: MiddlewareEvent
  /** Copies that got no reply. */
  failed: MiddlewareEvent
}

/** The copies of one `mirror` that are on their way. */
export class Mirrors implements Disposable {
  private readonly services: EngineServices
  private readonly events: MirrorEvents
  private readonly open = new Set<MirroredExchange>()

  constructor(services: EngineServices, events: MirrorEvents) {
    this.services = services
    this.events = events
  }

  get size(): number {
    return this.open.size
  }

  /** A copy of a request as it stands now, to be sent when its body is there. */
  prepare(original: Exchange, timeoutMs: number): MirroredExchange {
    const { world, timers, ledger } = this.services
    const mirrored = new MirroredExchange((answered) => {
      this.open.delete(mirrored)
      timers.remove(deadline)
      mirrored.exchange.finishedAt = world.now()
      ledger.strike('mirrors')
      if (!mirrored.sent) this.events.skipped.count++
      else if (!answered) this.events.failed.count++
    })
    const deadline = new Deadline(() => mirrored.cut())
    mirrored.exchange = copyRequest(original, mirrored, this.services)
    this.open.add(mirrored)
    ledger.enter('mirrors')
    timers.set(deadline, 'mirror', world.now(), timeoutMs)
    return mirrored
  }

  send(mirrored: MirroredExchange, body: Buffer | null, to: UpstreamPort): void {
    const { exchange } = mirrored
    mirrored.sent = true
    this.events.mirrored.count++
    if (body !== null) {
      exchange.body = new BytesSource(body)
      // It may have come in chunks.
      exchange.headers.set('content-length', String(body.length))
    }
    try {
      to.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'dial'))
    }
  }

  [Symbol.dispose](): void {
    for (const mirrored of this.open) mirrored.cut()
  }
}
