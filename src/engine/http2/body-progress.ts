import { TurnpikeError } from '../../core/error.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Http2RequestBody } from './http2-request-body.ts'

/** At least so much of a request body in each window. */
export interface BodyRate {
  bytes: number
  windowMs: number
}

/** Holds a client to sending the body that it announced; one that nobody takes is not its fault (H25). */
export class BodyProgress {
  private readonly deadline = new Deadline(() => this.look())
  private readonly body: Http2RequestBody
  private readonly rate: BodyRate
  private readonly services: EngineServices
  private readonly failed: (error: TurnpikeError) => void
  private mark = 0

  constructor(
    body: Http2RequestBody,
    rate: BodyRate,
    services: EngineServices,
    failed: (error: TurnpikeError) => void,
  ) {
    this.body = body
    this.rate = rate
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
    else this.failed(new TurnpikeError('ERR_BODY_TIMEOUT'))
  }
}
