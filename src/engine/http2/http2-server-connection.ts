import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { TurnpikeError } from '../../core/error.ts'
import { Headers } from '../../core/headers.ts'
import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import { Exchange, type ReceivedRequest } from '../exchange.ts'
import { isGrpc } from '../grpc-status.ts'
import type { TrustedProxies } from '../http1/forwarded.ts'
import { unreadableRequest } from '../http1/receive-request.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'
import { isOutdated, misdirected } from '../tls/misdirected.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { Socket } from '../world.ts'
import { BodyProgress, type BodyRate } from './body-progress.ts'
import { FloodGuard } from './flood-guard.ts'
import { readHttp2Head, type Http2Head } from './http2-head.ts'
import { Http2Reply } from './http2-reply.ts'
import { Http2RequestBody } from './http2-request-body.ts'
import { receiveHttp2Request } from './receive-http2-request.ts'
import { http2Code } from './http2-codes.ts'
import { http2Codec } from './http2-codec.ts'

export interface Http2ServerOptions {
  timeouts: {
    /** From the connection to its first request. */
    headMs: number
    /** Without a stream. */
    idleMs: number
    bodyProgress: BodyRate | null
    /** A client that takes nothing of a reply. */
    stallMs: number
  }
  limits: HeadLimits
  trustedProxies: TrustedProxies
  /** How the listener secures connections now; null where it does not. */
  security(): Pick<DownstreamSecurity, 'settings' | 'serves'> | null
  /** Called once, when the connection is over. */
  closed(connection: Http2ServerConnection): void
}

/** Streams that a client may have open; more are refused, for the client to try again (RFC 9113 §5.1.2). */
const MAX_STREAMS = 100
/** What a connection may send ahead over all its streams; each of them has the default 64 KiB (RFC 9113 §6.9.2). */
const CONNECTION_WINDOW = 1024 * 1024
/** What the codec may hold for one connection: queued replies, header tables, unacknowledged frames. */
const SESSION_MEMORY_MB = 16
/** Malformed frames, and DATA frames without data (CVE-2019-9518), before the connection is closed. */
const INVALID_FRAMES = 100
/** How long a closed connection may take to end. */
const LINGER_MS = 2000
/** RFC 9113 §6.8: says that the end is near, and still takes what is on its way. */
const LAST_STREAM = 2 ** 31 - 1

/**
 * `idle`: no stream is open. `active`: some are. `draining`: no new ones, the others finish. `closed`: gone.
 */
type State = 'idle' | 'active' | 'draining' | 'closed'

/** One HTTP/2 connection of a client: an exchange for each of its streams. Frames are the codec's, Node's. */
export class Http2ServerConnection {
  readonly services: EngineServices
  readonly options: Http2ServerOptions
  readonly guard = new FloodGuard()
  private readonly session: Session
  private readonly socket: Socket
  private readonly door: Door
  private readonly codec: ServerHttp2Session
  private readonly deadline: Deadline
  private readonly open = new Map<Http2Reply, BodyProgress | null>()
  private state: State = 'idle'
  private goingAway = false
  private flooded = false

  constructor(socket: Socket, session: Session, door: Door, services: EngineServices, options: Http2ServerOptions) {
    this.socket = socket
    this.session = session
    this.door = door
    this.services = services
    this.options = options
    session.peerTrusted = options.trustedProxies.has(session.peerAddress)
    this.deadline = new Deadline((name) => this.expired(name))
    this.arm('head', options.timeouts.headMs)
    socket.on('error', () => socket.destroy())
    // A client that half-closes is taken for gone, as in HTTP/1; the codec alone would wait for ever.
    socket.on('end', () => socket.destroy())
    const { headBytes, headerCount } = options.limits
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node:http2 takes over sockets of node:net and node:tls
    this.codec = http2Codec().performServerHandshake(socket as unknown as Duplex, {
      maxSessionMemory: SESSION_MEMORY_MB,
      maxSessionInvalidFrames: INVALID_FRAMES,
      // Twice what is allowed: the codec resets what is above, and what is below gets a reply that says so (431).
      maxHeaderListPairs: headerCount * 2,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: headBytes * 2,
        enablePush: false,
        enableConnectProtocol: false,
      },
      strictSingleValueFields: false,
    })
    this.listen()
  }

  /** Takes no new streams, finishes those that are open, then closes. */
  drain(): void {
    if (this.state === 'closed' || this.goingAway) return
    this.goingAway = true
    if (this.open.size === 0) return this.close()
    this.state = 'draining'
    const { codec } = this
    if (codec.destroyed) return
    // RFC 9113 §6.8: what the client sent before it heard of this is still served: a round trip later it has.
    codec.goaway(http2Code.noError, LAST_STREAM)
    codec.ping(() => codec.close())
  }

  /** Cuts it, whatever it is doing. */
  destroy(): void {
    this.codec.destroy()
    this.socket.destroy()
  }

  /** A stream came to nothing, whoever reset it. */
  streamReset(): void {
    if (this.guard.reset(this.services.world.now())) this.calm()
  }

  exchangeEnded(reply: Http2Reply): void {
    this.open.get(reply)?.stop()
    this.open.delete(reply)
    if (this.open.size > 0 || this.state === 'closed' || this.flooded) return
    if (this.goingAway) return this.close()
    this.state = 'idle'
    this.arm('idle', this.options.timeouts.idleMs)
  }

  private listen(): void {
    const { codec, guard, services } = this
    codec.setLocalWindowSize(CONNECTION_WINDOW)
    codec.on('stream', (stream, _fields, _flags, raw: string[]) => this.received(stream, raw))
    codec.on('ping', () => {
      if (guard.ping(services.world.now())) this.calm()
    })
    codec.on('remoteSettings', () => {
      if (guard.setting(services.world.now())) this.calm()
    })
    codec.on('error', ignore)
    codec.on('frameError', ignore)
    codec.on('close', () => this.over())
  }

  private received(stream: ServerHttp2Stream, raw: readonly string[]): void {
    // W13: an error without a listener ends the process; the stream's close says it all.
    stream.on('error', ignore)
    // Reset in the same packet: a flood of these costs no exchange (CVE-2023-44487).
    if (stream.destroyed || stream.closed || this.flooded) return this.streamReset()
    this.state = this.goingAway ? 'draining' : 'active'
    this.deadline.at = Infinity
    const { services, session, options } = this
    let head: Http2Head
    let request: ReceivedRequest
    try {
      head = readHttp2Head(raw, options.limits)
      request = receiveHttp2Request(head, session, options.trustedProxies, services.pseudonym)
    } catch (thrown) {
      const unreadable: ReceivedRequest = { ...unreadableRequest(session, new Headers()), protocol: 'HTTP/2' }
      this.begin(stream, unreadable).exchange.fail(TurnpikeError.from(thrown, 'head'))
      return
    }
    const reply = this.begin(stream, request)
    const { exchange } = reply
    if (head.contentLength !== 0 && !stream.endAfterHeaders) this.addBody(reply, stream, head.contentLength)
    try {
      if (request.facts.passedHere) throw new TurnpikeError('ERR_LOOP')
      this.checkDomain(request.facts.host)
      this.door.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private begin(stream: ServerHttp2Stream, request: ReceivedRequest): Http2Reply {
    const { services, session } = this
    const { world } = services
    const reply = new Http2Reply(stream, this)
    reply.exchange = new Exchange(session, reply, request, services.nextSequence(), world.now(), world.wallClock())
    this.open.set(reply, null)
    services.ledger.enter('exchanges')
    return reply
  }

  private addBody(reply: Http2Reply, stream: ServerHttp2Stream, length: number): void {
    const { services, options } = this
    const { exchange } = reply
    const body = new Http2RequestBody(
      stream,
      length,
      (bytes) => {
        exchange.bytesIn += bytes
      },
      () => reply.breakOff(new TurnpikeError('ERR_HTTP2_FLOOD'), http2Code.enhanceYourCalm),
    )
    exchange.body = reply.body = body
    const { bodyProgress } = options.timeouts
    if (bodyProgress === null) return
    const asks = isGrpc(exchange.headers) ? (answered: () => void) => this.ask(answered) : null
    this.open.set(reply, new BodyProgress(body, bodyProgress, asks, services, (error) => reply.failRequest(error)))
  }

  /** Whether the client is there at all. */
  private ask(answered: () => void): void {
    if (this.codec.destroyed) return
    this.codec.ping((error) => {
      if (error === null) answered()
    })
  }

  /** H26, on a connection that a client may use for every name of its certificate (RFC 9113 §9.1.1). */
  private checkDomain(host: string): void {
    const { tls } = this.session
    if (tls === null) return
    const security = this.options.security()
    if (isOutdated(tls, security)) this.drain()
    const error = misdirected(tls, host, security)
    if (error !== null) throw error
  }

  /** RFC 9113 §10.5: tells the client to calm down, and cuts it. */
  private calm(): void {
    if (this.flooded) return
    const error = new TurnpikeError('ERR_HTTP2_FLOOD')
    this.state = 'draining'
    this.goingAway = this.flooded = true
    for (const reply of this.open.keys()) reply.breakOff(error, http2Code.enhanceYourCalm)
    // Outside the codec's own turn, as streams are reset.
    this.services.world.soon(() => this.codec.destroy(error, http2Code.enhanceYourCalm))
    this.arm('drain', LINGER_MS)
  }

  private close(): void {
    this.state = 'draining'
    this.goingAway = true
    this.codec.close()
    this.arm('drain', LINGER_MS)
  }

  private over(): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    for (const reply of this.open.keys()) {
      reply.breakOff(new TurnpikeError('ERR_CLIENT_ABORT'), http2Code.cancel)
    }
    this.services.timers.remove(this.deadline)
    this.options.closed(this)
  }

  private expired(name: TimerName): void {
    if (name === 'drain') this.socket.destroy()
    else this.close()
  }

  private arm(name: TimerName, delayMs: number): void {
    this.services.timers.set(this.deadline, name, this.services.world.now(), delayMs)
  }
}

const ignore = (): void => {}
