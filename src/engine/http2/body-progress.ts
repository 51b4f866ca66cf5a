import { TurnpikeError } from '../../core/error.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Http2RequestBody } from './http2-request-body.ts'

/** At least so much of a request body in each window. */
export interface BodyRate {
  bytes: number
  windowMs: number
}

/**
 * Holds a client to sending the body that it announced; one that nobody takes is not its fault (H25). A gRPC call
 * may stay open with nothing to say: there, a client that answers when it is asked is moving.
 */
export class BodyProgress {
  private readonly deadline = new Deadline(() => this.look())
  private readonly body: Http2RequestBody
  private readonly rate: BodyRate
  private readonly services: EngineServices
  private readonly failed: (error: TurnpikeError) => void
  private readonly asks: ((answered: () => void) => void) | null
  private mark = 0
  /** The client was asked whether it is there, and has not answered. */
  private asked = false

  constructor(
    body: Http2RequestBody,
    rate: BodyRate,
    asks: ((answered: () => void) => void) | null,
    services: EngineServices,
    failed: (error: TurnpikeError) => void,
  ) {
    this.body = body
    this.rate = rate
    this.asks = asks
    this.services = services
    this.failed = failed
    this.arm()
  }

  stop(): void {
    this.services.timers.remove(this.deadline)
  }

  private arm(): void {
    const { services, rate, body } = this
    this.mark = body.received
    services.timers.set(this.deadline, 'bodyProgress', services.world.now(), rate.windowMs)
  }

  private look(): void {
    const { body, rate } = this
    if (body.complete) return
    if (body.waiting || body.received - this.mark >= rate.bytes) this.arm()
    else if (this.asks === null || this.asked) this.failed(new TurnpikeError('ERR_BODY_TIMEOUT'))
    else {
      this.asked = true
      this.arm()
      this.asks(() => (this.asked = false))
    }
  }
}
