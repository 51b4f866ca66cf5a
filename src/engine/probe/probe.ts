import { TurnpikeError } from '../../core/error.ts'
import type { DialHandle, DialResult, DialTarget } from '../dial/dial.ts'
import type { ParentRoute } from '../dial/parent.ts'
import type { Dialled } from '../dial/dialled.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'
import { Http1Inquiry } from './http1-inquiry.ts'
import { Http2Inquiry } from './http2-inquiry.ts'
import type { Inquiry, InquiryEvents, OwnRequest } from './inquiry.ts'

export interface ProbeOptions {
  target: DialTarget
  /** Null for plain text. */
  tls: UpstreamSecurity | null
  /** Asked once connected; null where a connection is all that is wanted. */
  request: OwnRequest | null
  http2: boolean
  /** The parents to go through, null for none. */
  via: ParentRoute | null
  /** For all of it. */
  timeoutMs: number
}

/**
 * Tries an endpoint on a connection of its own, which proves that it accepts: no pool, no queue, and
 * one deadline over everything (W8). `events.answered` has status 0 where nothing was asked; it hears nothing
 * after `cancel`.
 */
export class Probe implements DialResult, InquiryEvents {
  private readonly services: EngineServices
  private readonly options: ProbeOptions
  private readonly events: InquiryEvents
  private readonly deadline = new Deadline(() => this.expired())
  private handle: DialHandle | null = null
  private inquiry: Inquiry | null = null
  private over = false

  constructor(services: EngineServices, options: ProbeOptions, events: InquiryEvents) {
    this.services = services
    this.options = options
    this.events = events
  }

  start(): void {
    const { dialler, timers, world, ledger } = this.services
    const { target, tls, timeoutMs, via } = this.options
    ledger.enter('probes')
    timers.set(this.deadline, 'probe', world.now(), timeoutMs)
    this.handle = dialler.dial(target, { connectMs: timeoutMs, tls, tlsMs: timeoutMs, via }, this)
  }

  /** Harmless once it is over. */
  cancel(): void {
    if (this.over) return
    this.over = true
    const { timers, ledger } = this.services
    timers.remove(this.deadline)
    this.handle?.cancel()
    this.inquiry?.close()
    ledger.strike('probes')
  }

  connected(connection: Dialled): void {
    const { request, http2, tls } = this.options
    if (request === null) {
      connection.abandon()
      return this.answered(0, Buffer.alloc(0))
    }
    this.inquiry = http2
      ? new Http2Inquiry(connection, request, tls === null ? 'http' : 'https', this)
      : new Http1Inquiry(connection, request, this)
  }

  answered(status: number, body: Buffer): void {
    this.cancel()
    this.events.answered(status, body)
  }

  failed(error: TurnpikeError): void {
    this.cancel()
    this.events.failed(error)
  }

  private expired(): void {
    const { inquiry } = this
    // A dial that is still at resolving or connecting has a deadline of its own, which is looked at first.
    const dialling = this.options.tls === null ? 'ERR_CONNECT_TIMEOUT' : 'ERR_TLS_TIMEOUT'
    const asked = inquiry?.answering === true ? 'ERR_STALL_TIMEOUT' : 'ERR_FIRST_BYTE_TIMEOUT'
    this.failed(new TurnpikeError(inquiry === null ? dialling : asked))
  }
}
