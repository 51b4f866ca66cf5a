// One connection in one file, above 400 lines: request and reply share its state at every step.
import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { chunkPrefix, lastChunk } from '../../wire/http1/encode.ts'
import { ResponseHeadParser, type ResponseHead } from '../../wire/http1/response-head.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { BodySink } from '../body.ts'
import type { ExchangeWorker, ReplyFacts } from '../client-port.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import { Relay } from '../relay/relay.ts'
import { egressHead, type EgressOptions } from './egress.ts'
import type { Exchange } from '../exchange.ts'
import { Http1Body, type BodyOwner } from './http1-body.ts'
import { ingress } from './ingress.ts'
import type { EngineServices } from '../services.ts'
import { SocketWriter } from './socket-writer.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { UpstreamTimeouts } from '../upstream-timeouts.ts'

/** Told how a connection fares: its pool. */
export interface ConnectionKeeper {
  /** It can carry the next request. */
  released(connection: Http1UpstreamConnection): void
  /** It is gone, whatever it was doing. */
  lost(connection: Http1UpstreamConnection): void
}

/** For any service that is not out to exhaust us. */
const replyLimits = { headBytes: 64 * 1024, headerCount: 200, targetBytes: 0 }
/** Sane services send one or two. */
const MAX_INTERIM = 16
/** Pieces up to this size are copied when they are written, larger ones are not. */
const COPIED_BYTES = 16 * 1024

/** One HTTP/1 connection to an endpoint: carries one exchange at a time. */
export class Http1UpstreamConnection implements StreamEvents, BodyOwner, BodySink, ExchangeWorker {
  /** Kept by the pool: when it became idle it is the pool's, else an exchange's. */
  exchange: Exchange | null = null
  private readonly dialled: Dialled
  private readonly keeper: ConnectionKeeper
  private readonly services: EngineServices
  private readonly egress: EgressOptions
  private readonly usualTimeouts: UpstreamTimeouts
  private timeouts: UpstreamTimeouts
  private readonly idleMs: number
  /** What is read stays ours (TLS); else only until `read` returns. */
  private readonly serverAddress: string
  private readonly stable: boolean
  private readonly parser: ResponseHeadParser<ReplyFacts>
  private readonly writer: SocketWriter
  private readonly deadline: Deadline
  private watcher: AttemptWatcher | null = null
  private body: Http1Body | null = null
  private chunkedRequest = false
  private requestDone = true
  private replyTouched = false
  private requestHeld = false
  private reusable = true
  private interims = 0
  private served = 0
  private own: Buffer | null = null
  private pending: Buffer | null = null
  private consuming = false
  private inputEnded = false
  /** When bytes were last read. */
  private readAt = 0
  /** The socket was told to read no further. */
  private stopped = false
  private gone = false

  constructor(
    dialled: Dialled,
    stable: boolean,
    keeper: ConnectionKeeper,
    services: EngineServices,
    egress: EgressOptions,
    timeouts: UpstreamTimeouts,
    idleMs: number,
  ) {
    this.dialled = dialled
    this.serverAddress = dialled.address.kind === 'tcp' ? dialled.address.host : ''
    this.stable = stable
    this.keeper = keeper
    this.services = services
    this.egress = egress
    this.usualTimeouts = this.timeouts = timeouts
    this.idleMs = idleMs
    this.parser = new ResponseHeadParser(replyLimits, services.replyMemo)
    this.writer = new SocketWriter(dialled.socket, stable, () => this.written())
    this.deadline = new Deadline((name) => this.expired(name))
    dialled.attach(this)
  }

  /** Sends a request and brings its reply back. */
  send(exchange: Exchange, watcher: AttemptWatcher): void {
    const { services } = this
    const now = services.world.now()
    this.exchange = exchange
    this.watcher = watcher
    this.timeouts = exchange.timeouts ?? this.usualTimeouts
    this.replyTouched = this.requestHeld = false
    this.interims = 0
    exchange.client.worker = this
    exchange.attempts++
    exchange.reused = this.served++ > 0
    exchange.upstreamTls = this.dialled.tlsVersion
    exchange.serverAddress = this.serverAddress
    exchange.connectedAt = now
    this.writer.addText(egressHead(exchange, this.egress))
    const { body } = exchange
    this.requestDone = body === null
    if (body === null) {
      this.writer.flush()
      services.timers.set(this.deadline, 'firstByte', now, this.timeouts.firstByteMs)
      return
    }
    this.chunkedRequest = body.length < 0
    services.timers.set(this.deadline, 'stall', now, this.timeouts.stallMs)
    body.start(this)
  }

  /** Waits for its first request, and counts as used before: its other end may have closed it by then (H19). */
  rest(): void {
    const { services } = this
    this.served = 1
    services.timers.set(this.deadline, 'idle', services.world.now(), this.idleMs)
  }

  /** Closes an idle connection, or breaks off what it does. */
  destroy(): void {
    this.leave()
    this.dialled.socket.destroy()
  }

  // The request's body, on its way out.

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.exchange === null || start === end) return true
    this.moved()
    if (!this.chunkedRequest) return this.hold(this.writer.addBytes(bytes, start, end))
    this.writer.addText(chunkPrefix(end - start))
    const free = this.writer.addBytes(bytes, start, end)
    this.writer.addText('\r\n')
    return this.hold(free)
  }

  end(trailers: Headers | null): void {
    if (this.exchange === null) return
    this.requestDone = true
    if (this.chunkedRequest) this.writer.addText(lastChunk(trailers))
    // A reply may be on its way already.
    if (this.body !== null) this.moved()
    else this.services.timers.set(this.deadline, 'firstByte', this.services.world.now(), this.timeouts.firstByteMs)
  }

  abort(): void {
    if (this.exchange !== null && !this.requestDone) this.clientGone()
  }

  flush(): void {
    if (this.exchange !== null) this.writer.flush()
  }

  // The reply, on its way back.

  read(length: number, buffer: Buffer): boolean {
    if (this.exchange === null) {
      // Nobody asked: a reply to nothing must never become the reply to the next request.
      this.destroy()
      return false
    }
    this.consume(buffer, 0, length)
    this.stopped = this.pending !== null || (this.body !== null && this.body.held)
    return !this.stopped
  }

  nextBuffer(): Buffer | null {
    return this.own
  }

  ended(): void {
    this.inputEnded = true
    if (this.exchange === null) return this.destroy()
    if (this.pending !== null || this.body?.held === true) return
    if (this.body === null) this.fail(new TurnpikeError('ERR_UPSTREAM_CLOSED'))
    else if (this.body.ended()) this.complete()
    else this.fail(new TurnpikeError('ERR_UPSTREAM_TRUNCATED'))
  }

  failed(error: Error): void {
    if (this.exchange === null) return this.destroy()
    const code = this.body === null ? 'ERR_UPSTREAM_CLOSED' : 'ERR_UPSTREAM_ABORT'
    this.fail(new TurnpikeError(code, { cause: error, phase: this.body === null ? 'first-byte' : 'body' }))
  }

  closed(): void {
    if (this.exchange !== null) this.failed(new Error('the connection closed'))
    this.leave()
  }

  bodyWanted(): void {
    if (this.consuming) return
    const { pending } = this
    this.pending = null
    if (pending !== null) this.consume(pending, 0, pending.length)
    if (this.exchange === null || this.pending !== null || this.body?.held === true) return
    if (this.inputEnded) this.ended()
    else this.readOn()
  }

  bodyCancelled(): void {
    this.clientGone()
  }

  clientReady(): void {
    this.moved()
    this.body?.resume()
  }

  clientGone(): void {
    const { exchange, watcher } = this
    this.destroy()
    if (exchange !== null) watcher!.attemptEnded(exchange, null)
  }

  private consume(bytes: Buffer, at: number, end: number): void {
    this.consuming = true
    this.readAt = this.services.world.now()
    if (!this.replyTouched) {
      this.replyTouched = true
      this.exchange!.firstByteAt = this.readAt
    }
    while (at < end && this.exchange !== null) {
      if (this.body === null) {
        const next = this.parser.read(bytes, at, end)
        if (next === -1) break
        if (next === -2) {
          this.fail(this.parser.error)
          break
        }
        at = next
        if (this.headRead(this.parser.head, bytes, at, end)) break
        if (this.body === null) continue
      }
      if (end - at > COPIED_BYTES && bytes !== this.own && !this.stable) {
        // The memory is shared by all connections, and a piece of this size is written from where it stands:
        // from the buffer that this exchange reads into from here on.
        this.own ??= this.services.readBuffers.take()
        bytes.copy(this.own, 0, at, end)
        bytes = this.own
        end -= at
        at = 0
      }
      at = this.body.feed(bytes, at, end)
      if (this.body.fault !== null) {
        this.fail(new TurnpikeError('ERR_UPSTREAM_CHUNK'))
      } else if (this.body.done) {
        if (at < end) this.reusable = false
        this.complete()
      } else if (this.body.held) {
        if (at < end)
          this.pending =
            this.stable || bytes === this.own ? bytes.subarray(at, end) : Buffer.from(bytes.subarray(at, end))
        break
      }
    }
    this.consuming = false
    const { exchange } = this
    if (exchange === null) return
    this.moved()
    if (this.body !== null) {
      if (this.own === null && !this.stable) this.own = this.services.readBuffers.take()
      exchange.client.flush()
    }
  }

  /** True where the connection is no longer this exchange's. */
  private headRead(head: ResponseHead<ReplyFacts>, bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.exchange!
    const { status, reason, block } = head
    let { headers } = head
    let facts = block?.facts ?? null
    if (block !== null && facts === null) {
      facts = block.facts = ingress(block.head.headers)
      headers = block.head.headers.fork()
    }
    const fields = facts ?? ingress(headers)
    if (status === 101) {
      // H16: bytes of a request's body are never a tunnel's. RFC 9110 §7.8: to a protocol that was asked for.
      if (exchange.upgrade === '' || fields.upgrade !== exchange.upgrade || !this.requestDone)
        this.fail(new TurnpikeError('ERR_UPSTREAM_UPGRADE'))
      else this.openTunnel(status, reason, headers, at < end ? Buffer.from(bytes.subarray(at, end)) : null)
      return true
    }
    if (status < 200) {
      if (++this.interims > MAX_INTERIM) {
        this.fail(new TurnpikeError('ERR_UPSTREAM_HEAD', { message: 'The endpoint sent too many 1xx replies.' }))
        return true
      }
      // A 100 that the client did not ask for is not passed on (H15).
      if (status !== 100 || exchange.expectsContinue) exchange.client.interim(status, reason, headers)
      return false
    }
    this.reusable = head.versionMinor === 1 ? !fields.close : fields.keepAlive
    const framing = head.framing(exchange.method)
    const hasBody = framing !== 'none'
    const length = framing === 'length' ? head.contentLength : hasBody ? -1 : 0
    if (!this.watcher!.replied(exchange, status, headers)) {
      this.drop(framing !== 'close' && length >= 0 && length === end - at)
      return true
    }
    exchange.client.begin({ status, reason, headers, length, hasBody, facts })
    if (framing === 'close') this.reusable = false
    if (!hasBody || length === 0) {
      exchange.client.end(null)
      if (at < end) this.reusable = false
      this.complete()
      return true
    }
    if (framing === 'length' && length <= end - at && length <= COPIED_BYTES) {
      // All of it is at hand, and is copied: there is nothing to hold or to wait for.
      exchange.client.write(bytes, at, at + length)
      exchange.client.end(null)
      if (at + length < end) this.reusable = false
      this.complete()
      return true
    }
    this.body = new Http1Body(this, framing, length)
    this.body.attach(exchange.client)
    return false
  }

  /** The watcher does not want this reply; `whole`: all of it was read. */
  private drop(whole: boolean): void {
    const { exchange, watcher } = this
    exchange!.client.worker = null
    this.release(whole)
    watcher!.attemptEnded(exchange!, null)
  }

  /** The reply is whole: the connection goes back before the client is served, so that its next request finds it. */
  private complete(): void {
    const { exchange, watcher } = this
    if (exchange === null) return
    const { client } = exchange
    client.worker = null
    const held = this.body?.held === true
    if (this.own !== null && !held) this.services.readBuffers.give(this.own)
    this.own = null
    this.release(true)
    watcher!.attemptEnded(exchange, null)
    client.flush()
  }

  /** Back to the pool where another exchange can follow, else away. */
  private release(whole: boolean): void {
    if (!whole || !this.reusable || !this.requestDone || this.inputEnded || this.writer.waiting) {
      this.destroy()
    } else {
      this.exchange = this.watcher = null
      this.body = null
      this.services.timers.set(this.deadline, 'idle', this.readAt, this.idleMs)
      this.readOn()
      this.keeper.released(this)
    }
  }

  private readOn(): void {
    if (!this.stopped) return
    this.stopped = false
    this.dialled.socket.resume()
  }

  /** `first`: bytes that came with the 101. */
  private openTunnel(status: number, reason: string, headers: Headers, first: Buffer | null): void {
    const exchange = this.exchange!
    const watcher = this.watcher!
    exchange.client.worker = null
    const { dialled, services, timeouts } = this
    this.leave()
    watcher.replied(exchange, status, headers)
    const taken = exchange.client.takeOver(status, reason, headers)
    const over = (): void => watcher.attemptEnded(exchange, null)
    new Relay({ taken, dialled, exchange, services, stallMs: timeouts.stallMs, over }).open(first)
  }

  private fail(error: TurnpikeError): void {
    const { exchange, watcher, body } = this
    if (exchange === null) return
    // A body has been started, and starts once.
    const untouched = !this.replyTouched && exchange.body === null
    this.destroy()
    exchange.client.worker = null
    if (body !== null) {
      exchange.error ??= error
      watcher!.attemptEnded(exchange, error)
      exchange.client.fail(error)
      return
    }
    watcher!.attemptFailed(exchange, error, untouched && this.safeToRepeat(exchange, error))
    watcher!.attemptEnded(exchange, null)
  }

  /** H19: a reused connection that closed before any reply byte, and a method that may be repeated (RFC 9110 §9.2.2). */
  private safeToRepeat(exchange: Exchange, error: TurnpikeError): boolean {
    return exchange.reused && error.code === 'ERR_UPSTREAM_CLOSED' && idempotent.has(exchange.method)
  }

  /** Takes the connection out of everything: no exchange, no timer, no pool. */
  private leave(): void {
    this.exchange = this.watcher = null
    this.pending = null
    this.services.timers.remove(this.deadline)
    if (this.gone) return
    this.gone = true
    this.keeper.lost(this)
  }

  private hold(free: boolean): boolean {
    if (!free) this.requestHeld = true
    return free
  }

  private written(): void {
    if (this.exchange === null) return
    this.moved()
    if (!this.requestHeld) return
    this.requestHeld = false
    this.exchange.body?.resume()
  }

  private moved(): void {
    if (this.requestDone && !this.replyTouched) return
    this.services.timers.set(this.deadline, 'stall', this.services.world.now(), this.timeouts.stallMs)
  }

  private expired(name: TimerName): void {
    const { exchange } = this
    if (exchange === null) return this.destroy()
    if (name === 'firstByte') return this.fail(new TurnpikeError('ERR_FIRST_BYTE_TIMEOUT'))
    // The client is slow to send: that is for its own timer to say.
    if (!this.requestDone && !this.requestHeld) return this.moved()
    this.fail(new TurnpikeError(this.body?.held === true ? 'ERR_CLIENT_STALL' : 'ERR_STALL_TIMEOUT'))
  }
}

/** RFC 9110 §9.2.2 */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
