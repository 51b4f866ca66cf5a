import { TurnpikeError } from '../../core/error.ts'
import { ResponseHeadParser } from '../../wire/http1/response-head.ts'
import type { BodySink } from '../body.ts'
import type { DialHandle, DialResult, DialTarget } from '../dial/dial.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'
import { Http1Body, type BodyOwner } from './http1-body.ts'

export interface ProbeOptions {
  target: DialTarget
  /** Null for plain text. */
  tls: UpstreamSecurity | null
  /** Asked once connected (see `ownRequestHead`); null where a connection is all that is wanted. */
  request: { method: string; head: string } | null
  /** For all of it. */
  timeoutMs: number
}

/** One of the two is called once, unless the probe is cancelled. */
export interface ProbeEvents {
  /** Status 0 where nothing was asked. Of a longer body the first 64 KiB. */
  answered(status: number, body: Buffer): void
  failed(error: TurnpikeError): void
}

const replyLimits = { headBytes: 64 * 1024, headerCount: 200, targetBytes: 0 }
const BODY_LIMIT = 64 * 1024
const MAX_INTERIM = 16

/**
 * Tries an endpoint on a connection of its own, which proves that it accepts: no pool, no queue, and
 * one deadline over everything (W8).
 */
export class Probe implements DialResult, StreamEvents, BodyOwner, BodySink {
  private readonly services: EngineServices
  private readonly options: ProbeOptions
  private readonly events: ProbeEvents
  private readonly deadline = new Deadline(() => this.expired())
  private handle: DialHandle | null = null
  private dialled: Dialled | null = null
  private parser: ResponseHeadParser | null = null
  private body: Http1Body | null = null
  private readonly pieces: Buffer[] = []
  private size = 0
  private status = 0
  private interims = 0
  private over = false

  constructor(services: EngineServices, options: ProbeOptions, events: ProbeEvents) {
    this.services = services
    this.options = options
    this.events = events
  }

  start(): void {
    const { dialler, timers, world, ledger } = this.services
    const { target, tls, timeoutMs } = this.options
    ledger.enter('probes')
    timers.set(this.deadline, 'probe', world.now(), timeoutMs)
    this.handle = dialler.dial(target, { connectMs: timeoutMs, tls, tlsMs: timeoutMs }, this)
    // It may have failed before there was a handle.
    if (this.over) this.handle.cancel()
  }

  /** Nobody hears of it any more. Harmless once it is over. */
  cancel(): void {
    if (this.over) return
    this.over = true
    const { timers, ledger } = this.services
    timers.remove(this.deadline)
    this.handle?.cancel()
    this.dialled?.abandon()
    ledger.strike('probes')
  }

  connected(connection: Dialled): void {
    this.dialled = connection
    const { request } = this.options
    if (request === null) return this.answer()
    this.parser = new ResponseHeadParser(replyLimits)
    connection.attach(this)
    connection.socket.write(request.head, 'latin1')
  }

  failed(error: Error): void {
    if (error instanceof TurnpikeError) return this.fail(error)
    this.fail(new TurnpikeError(this.body === null ? 'ERR_UPSTREAM_CLOSED' : 'ERR_UPSTREAM_ABORT', { cause: error }))
  }

  // The reply.

  read(length: number, buffer: Buffer): boolean {
    let at = 0
    while (at < length && !this.over) {
      if (this.body === null) {
        at = this.parser!.read(buffer, at, length)
        if (at === -1) return true
        if (at === -2) this.fail(this.parser!.error)
        else this.headRead()
        continue
      }
      at = this.body.feed(buffer, at, length)
      if (this.body.fault !== null) this.fail(new TurnpikeError('ERR_UPSTREAM_CHUNK'))
      else if (this.body.done || this.size >= BODY_LIMIT) this.answer()
    }
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    if (this.body === null) this.fail(new TurnpikeError('ERR_UPSTREAM_CLOSED'))
    else if (this.body.ended()) this.answer()
    else this.fail(new TurnpikeError('ERR_UPSTREAM_TRUNCATED'))
  }

  closed(): void {
    this.failed(new Error('the connection closed'))
  }

  // Its body.

  write(bytes: Buffer, start: number, end: number): boolean {
    const kept = Math.min(end, start + BODY_LIMIT - this.size)
    this.pieces.push(Buffer.from(bytes.subarray(start, kept)))
    this.size += kept - start
    return true
  }

  end(): void {}

  abort(): void {}

  flush(): void {}

  bodyWanted(): void {}

  bodyCancelled(): void {}

  private headRead(): void {
    const { head } = this.parser!
    this.status = head.status
    if (head.status === 101) return this.fail(new TurnpikeError('ERR_UPSTREAM_UPGRADE'))
    if (head.status < 200) {
      if (++this.interims > MAX_INTERIM) this.fail(new TurnpikeError('ERR_UPSTREAM_HEAD'))
      return
    }
    const framing = head.framing(this.options.request!.method)
    if (framing === 'none' || (framing === 'length' && head.contentLength === 0)) return this.answer()
    this.body = new Http1Body(this, framing, head.contentLength)
    this.body.attach(this)
  }

  private expired(): void {
    if (this.dialled === null)
      this.fail(new TurnpikeError(this.options.tls === null ? 'ERR_CONNECT_TIMEOUT' : 'ERR_TLS_TIMEOUT'))
    else this.fail(new TurnpikeError(this.body === null ? 'ERR_FIRST_BYTE_TIMEOUT' : 'ERR_STALL_TIMEOUT'))
  }

  private answer(): void {
    if (this.over) return
    this.cancel()
    this.events.answered(this.status, Buffer.concat(this.pieces))
  }

  private fail(error: TurnpikeError): void {
    if (this.over) return
    this.cancel()
    this.events.failed(error)
  }
}
