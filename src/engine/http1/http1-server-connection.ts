// One state machine in one file, above 400 lines: what a state allows is read beside what leaves it.
import { TurnpikeError } from '../../core/error.ts'
import { Headers } from '../../core/headers.ts'
import type { RequestHead, RequestHeadParser } from '../../wire/http1/request-head.ts'
import { abortPhase } from '../abort-phase.ts'
import type { TakenConnection } from '../client-port.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'
import { isOutdated, misdirected } from '../tls/misdirected.ts'
import { connectDestination } from '../proxy/connect-target.ts'
import { cutSocket } from './cut-socket.ts'
import { endExchange } from '../end-exchange.ts'
import { Exchange, type ReceivedRequest } from '../exchange.ts'
import type { TrustedProxies } from './forwarded.ts'
import { freePiece } from './free-piece.ts'
import { Http1Body, type BodyOwner } from './http1-body.ts'
import { Http1Reply } from './http1-reply.ts'
import type { ParserShelf } from './parser-shelf.ts'
import { receiveRequest, unreadableRequest, type RequestFacts } from './receive-request.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session, TlsFacts } from '../session.ts'
import { SocketWriter } from './socket-writer.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { Socket } from '../world.ts'

export interface Http1ServerOptions {
  timeouts: {
    headMs: number
    idleMs: number
    /** At least this many bytes of a request body in each window; null for no bound. */
    bodyProgress: { bytes: number; windowMs: number } | null
    /** A client that reads nothing of the end of its reply. */
    stallMs: number
  }
  parsers: ParserShelf
  trustedProxies: TrustedProxies
  /** How the listener secures connections now; null where it does not. */
  security(): Pick<DownstreamSecurity, 'settings' | 'serves'> | null
  /** Called once, when the connection is over or left HTTP. */
  closed(connection: Http1ServerConnection): void
}

/**
 * `idle`: between requests. `active`: a request is being read or answered, or its body drained.
 * `draining`: the last reply was sent, what still comes is dropped. `tunnel`: left HTTP. `closed`: gone.
 */
type State = 'idle' | 'active' | 'draining' | 'tunnel' | 'closed'

/** What is read of a body that nobody wants before the connection is closed instead (H12). */
const UNWANTED_BYTES = 256 * 1024
/** What a client may send ahead of its turn before it is read no further. */
const AHEAD_BYTES = 64 * 1024
/** How long a closed connection may still send, so that a reset does not overtake the reply. */
const LINGER_MS = 2000

/** One HTTP/1 connection of a client: reads requests in order, one exchange at a time. */
export class Http1ServerConnection implements BodyOwner {
  readonly services: EngineServices
  readonly session: Session
  /** The connection can serve another request after this one. */
  keepAlive = true
  state: State = 'idle'
  private readonly socket: Socket
  private readonly options: Http1ServerOptions
  private readonly door: Door
  /** In the middle of a head, else on the shelf. */
  private parser: RequestHeadParser<RequestFacts> | null = null
  private readonly writer: SocketWriter
  private readonly deadline: Deadline
  private reply: Http1Reply | null = null
  private body: Http1Body | null = null
  /** Received, but not yet anybody's turn. */
  private pending: Buffer | null = null
  private paused = false
  private reading = false
  private inputEnded = false
  private served = 0
  private bodyMark = 0
  /** When the last exchange ended. */
  private finishedAt = 0
  /** The last host that was found to belong to the handshake's trust domain. */
  private servedHost: string | null = null
  private unwanted = 0

  constructor(socket: Socket, session: Session, door: Door, services: EngineServices, options: Http1ServerOptions) {
    this.socket = socket
    this.session = session
    this.door = door
    this.services = services
    this.options = options
    session.peerTrusted = options.trustedProxies.has(session.peerAddress)
    this.writer = new SocketWriter(socket, session.tls !== null, () => this.drained())
    this.deadline = new Deadline((name) => this.expired(name))
    this.arm('head', options.timeouts.headMs)
    socket.on('data', this.received)
    socket.on('end', this.ended)
    socket.on('error', () => socket.destroy())
    socket.on('close', this.gone)
    socket.resume()
  }

  /** Finishes what is being served, then closes; at once where nothing is. */
  drain(): void {
    this.keepAlive = false
    if (this.state === 'idle') this.close()
  }

  /** Cuts it, whatever it is doing. */
  destroy(): void {
    const tunnel = this.state === 'tunnel' ? (this.reply?.exchange.tunnel ?? null) : null
    // There may be TLS in it, over the very socket that is this connection's.
    if (tunnel !== null) tunnel.cut(new TurnpikeError('ERR_DRAINING', { phase: 'tunnel' }))
    else this.breakOff()
  }

  /** Whether the connection can live on after the reply whose head is being written. */
  settleKeepAlive(): void {
    const { body } = this
    if (body === null || body.done) return
    // H12: a body that a final reply left unread is drained within a bound, or the connection closes.
    const unread = body.length < 0 ? 0 : body.length - body.received
    if (unread > UNWANTED_BYTES || (this.reply?.exchange.expectsContinue === true && body.received === 0)) {
      this.keepAlive = false
    }
  }

  /** The reply's last byte was written: ends the exchange once it has left the process. */
  replyEnded(): void {
    if (this.state !== 'active' || this.reply === null) return
    if (this.writer.waiting) {
      this.arm('stall', this.options.timeouts.stallMs)
      return
    }
    const { body } = this
    this.finish()
    if (body !== null && !body.done) {
      if (!this.keepAlive) return this.linger()
      // First, since what is dropped may be followed by the next request, with timers of its own.
      this.armBodyProgress()
      body.cancel(new TurnpikeError('ERR_CLIENT_ABORT', { message: 'The reply came before the end of the request.' }))
    } else {
      this.rest()
    }
    if (!this.reading) this.readOn()
  }

  /** Ends the exchange by cutting the connection, so that what was sent cannot pass for complete (H7). */
  cut(error: TurnpikeError): void {
    const worker = this.reply?.worker
    if (this.reply !== null) this.reply.worker = null
    worker?.clientGone(error)
    this.body?.abort(error)
    this.body = null
    this.deadline.at = Infinity
    this.breakOff()
    this.finish()
  }

  /** The connection leaves HTTP after a 101, or for a tunnel: it is paused, and reads nothing more itself. */
  takeOver(): TakenConnection {
    const { socket, pending, inputEnded } = this
    this.state = 'tunnel'
    socket.pause()
    socket.off('data', this.received)
    socket.off('end', this.ended)
    socket.off('close', this.gone)
    this.services.timers.remove(this.deadline)
    this.pending = null
    return { socket, pending, inputEnded, done: () => this.over() }
  }

  bodyWanted(): void {
    if (!this.reading) this.readOn()
  }

  bodyCancelled(): void {
    this.unwanted = 0
    if (!this.reading) this.readOn()
  }

  /** Takes bytes of the client. */
  readonly received = (chunk: Buffer): void => {
    if (this.state === 'closed' || this.state === 'draining') return
    if (this.pending !== null) {
      this.pending = Buffer.concat([this.pending, chunk])
      if (this.pending.length > AHEAD_BYTES) this.pause()
      return
    }
    this.read(chunk)
    if (this.pending === null && this.body?.held !== true) freePiece(chunk)
  }

  private readOn(): void {
    const { pending } = this
    this.pending = null
    if (this.paused) {
      this.paused = false
      this.socket.resume()
    }
    if (pending !== null) this.read(pending)
    else this.body?.flush()
    if (this.inputEnded && this.pending === null && this.state !== 'closed') this.ended()
  }

  /** Takes bytes as far as somebody wants them; keeps the rest. */
  private read(bytes: Buffer): void {
    this.reading = true
    const end = bytes.length
    let at = 0
    while (at < end && (this.state === 'idle' || this.state === 'active')) {
      if (this.body !== null && !this.body.done) {
        const before = at
        at = this.readBody(this.body, bytes, at, end)
        if (at === before && !this.body?.open) break
      } else if (this.reply !== null) {
        break
      } else {
        const parser = this.parser ?? this.options.parsers.take()
        const next = parser.read(bytes, at, end)
        if (next === -1) {
          this.parser = parser
          if (this.state === 'idle' && parser.started) {
            this.state = 'active'
            this.arm('head', this.options.timeouts.headMs)
          }
          at = end
        } else {
          const { head, error } = parser
          this.parser = null
          this.options.parsers.give(parser)
          at = next === -2 ? end : next
          if (next === -2) this.refuse(error)
          else this.begin(head)
        }
      }
    }
    this.reading = false
    this.body?.flush()
    if (at < end && (this.state === 'idle' || this.state === 'active')) {
      this.pending = at === 0 ? bytes : bytes.subarray(at)
      // A body whose taker is not there yet is not paused for: the client's end would not be seen (H20).
      if (this.body?.held === true || this.pending.length > AHEAD_BYTES) this.pause()
    }
  }

  private readBody(body: Http1Body, bytes: Buffer, at: number, end: number): number {
    if (!body.open) return at
    const before = body.received
    const next = body.feed(bytes, at, end)
    const { reply } = this
    if (reply !== null) {
      reply.exchange.bytesIn += body.received - before
    } else {
      this.unwanted += next - at
      if (this.unwanted > UNWANTED_BYTES) {
        this.linger()
        return end
      }
    }
    if (body.fault !== null) {
      const error = new TurnpikeError(body.fault === 'chunk' ? 'ERR_CHUNK' : 'ERR_TRAILER')
      if (reply === null) this.linger()
      else this.failRequest(reply, body, error)
      return end
    }
    if (!body.done) return next
    if (reply === null) {
      this.finishedAt = this.services.world.now()
      this.rest()
    } else {
      this.deadline.at = Infinity
    }
    return next
  }

  /** The request cannot be completed: the worker is told before the client is. */
  private failRequest(reply: Http1Reply, body: Http1Body, error: TurnpikeError): void {
    this.keepAlive = false
    reply.exchange.error ??= error
    const { worker } = reply
    reply.worker = null
    worker?.clientGone(error)
    body.abort(error)
    reply.fail(error)
  }

  private begin(head: RequestHead<RequestFacts>): void {
    const { services } = this
    this.state = 'active'
    this.deadline.at = Infinity
    let request: ReceivedRequest
    try {
      request = receiveRequest(head, this.session, this.options.trustedProxies, services.pseudonym)
    } catch (thrown) {
      this.refuse(TurnpikeError.from(thrown, 'head'))
      return
    }
    const { facts } = request
    // RFC 9112 §9.3
    if (facts.close || (head.versionMinor === 0 && !facts.keepAlive)) this.keepAlive = false
    const exchange = this.open(request)
    if (head.method === 'CONNECT') {
      // RFC 9931 §8: what the client has sent in the belief that it has a tunnel must not be read as a request (F2).
      this.keepAlive = false
    } else if (head.chunked || head.contentLength > 0) {
      this.body = new Http1Body(this, head.chunked ? 'chunked' : 'length', head.contentLength)
      exchange.body = this.body
      this.armBodyProgress()
    }
    try {
      if (head.method === 'CONNECT') exchange.destination = connectDestination(head)
      if (facts.passedHere) throw new TurnpikeError('ERR_LOOP')
      if (this.session.tls !== null) this.checkDomain(this.session.tls, facts.host)
      this.door.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  /** H26 */
  private checkDomain(tls: TlsFacts, host: string): void {
    const security = this.options.security()
    if (isOutdated(tls, security)) this.keepAlive = false
    else if (host === this.servedHost) return
    const error = misdirected(tls, host, security)
    if (error !== null) throw error
    this.servedHost = host
  }

  private open(request: ReceivedRequest): Exchange {
    const { services } = this
    const reply = new Http1Reply(this, this.writer)
    const { world } = services
    const exchange = new Exchange(this.session, reply, request, services.nextSequence(), world.now(), world.wallClock())
    reply.exchange = exchange
    this.reply = reply
    this.served++
    services.ledger.enter('exchanges')
    return exchange
  }

  /** Answers a request that cannot be served as HTTP, and closes. */
  private refuse(error: TurnpikeError): void {
    this.state = 'active'
    this.keepAlive = false
    this.deadline.at = Infinity
    this.open(unreadableRequest(this.session, new Headers())).fail(error)
  }

  private finish(): void {
    const { reply } = this
    if (reply === null) return
    this.reply = null
    reply.close()
    endExchange(this.services, reply.exchange)
    this.finishedAt = reply.exchange.finishedAt
  }

  /** The exchange and its request are over: waits for the next one, or closes. */
  private rest(): void {
    this.body = null
    if (!this.keepAlive) return this.linger()
    this.state = 'idle'
    this.services.timers.set(this.deadline, 'idle', this.finishedAt, this.options.timeouts.idleMs)
  }

  /** Says goodbye and reads on for a while, so that what the client still sends does not reset the reply away. */
  private linger(): void {
    if (this.state === 'closed') return
    this.state = 'draining'
    this.body = null
    this.pending = null
    if (this.inputEnded) {
      this.close()
      return
    }
    this.socket.end()
    this.arm('drain', LINGER_MS)
    this.paused = false
    this.socket.resume()
  }

  private close(): void {
    this.state = 'draining'
    this.socket.end()
    this.arm('drain', LINGER_MS)
  }

  private readonly ended = (): void => {
    this.inputEnded = true
    // F4: who asked for a tunnel may have said all it has to say in it.
    if (this.reply?.exchange.method === 'CONNECT' && !this.reply.ended) return
    // Whole requests that came before the end are served.
    const unread = this.body !== null && !this.body.done
    if (this.pending !== null && !unread && this.state !== 'draining') return
    if (this.reply !== null && !this.reply.ended) {
      this.abandon(new TurnpikeError('ERR_CLIENT_ABORT', { phase: abortPhase(this.reply.exchange) }))
    } else if (this.reply === null) {
      this.socket.end()
      if (this.state === 'draining' || this.body !== null) this.socket.destroy()
    } else {
      this.keepAlive = false
    }
  }

  /** The client is gone: whoever works for it stops (H20). */
  private abandon(error: TurnpikeError): void {
    const { reply, body } = this
    if (reply !== null) {
      reply.exchange.error ??= error
      if (reply.exchange.status === 0) reply.exchange.status = 499
      const { worker } = reply
      reply.worker = null
      worker?.clientGone(error)
    }
    body?.abort(error)
    this.body = null
    this.breakOff()
    this.finish()
  }

  /** Ends the connection: by a reset where a reply has begun, since an end could complete one that runs until close (H7). */
  private breakOff(): void {
    if (this.reply !== null && this.reply.begun) cutSocket(this.socket, this.session.tls !== null)
    else this.socket.destroy()
  }

  private readonly gone = (): void => {
    if (this.state === 'closed') return
    if (this.reply !== null)
      this.abandon(new TurnpikeError('ERR_CLIENT_ABORT', { phase: abortPhase(this.reply.exchange) }))
    this.over()
  }

  private over(): void {
    this.finish()
    this.state = 'closed'
    this.pending = null
    this.services.timers.remove(this.deadline)
    this.options.closed(this)
  }

  private drained(): void {
    const { reply } = this
    if (reply === null) return
    if (reply.ended) this.replyEnded()
    else reply.drained()
  }

  private pause(): void {
    if (this.paused) return
    this.paused = true
    this.socket.pause()
  }

  private arm(name: TimerName, delayMs: number): void {
    this.services.timers.set(this.deadline, name, this.services.world.now(), delayMs)
  }

  private armBodyProgress(): void {
    const { bodyProgress } = this.options.timeouts
    if (bodyProgress === null) return
    this.bodyMark = this.body?.received ?? 0
    this.arm('bodyProgress', bodyProgress.windowMs)
  }

  private expired(name: TimerName): void {
    if (name === 'bodyProgress') this.bodyExpired()
    else if (name === 'head' && this.parser?.started === true) this.refuse(new TurnpikeError('ERR_HEAD_TIMEOUT'))
    else if (name === 'stall') {
      if (this.reply !== null) this.reply.exchange.error ??= new TurnpikeError('ERR_CLIENT_STALL')
      this.breakOff()
      this.finish()
    } else if (name === 'drain') this.socket.destroy()
    else this.close()
  }

  /** A slow body lives as long as it moves; one that nobody takes is not the client's fault. */
  private bodyExpired(): void {
    const { body, reply } = this
    if (body === null || body.done) return
    const moved = body.received - this.bodyMark
    if (!body.open || moved >= this.options.timeouts.bodyProgress!.bytes) this.armBodyProgress()
    else if (reply === null) this.linger()
    else this.failRequest(reply, body, new TurnpikeError('ERR_BODY_TIMEOUT'))
  }
}
