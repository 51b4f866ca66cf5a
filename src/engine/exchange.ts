import type { TurnpikeError } from '../core/error.ts'
import type { Headers } from '../core/headers.ts'
import type { ClientHello } from '../wire/client-hello.ts'
import type { BodySource, ReplyBody } from './body.ts'
import type { ClientPort } from './client-port.ts'
import type { InFlight } from './in-flight.ts'
import type { Middleware } from './middleware/middleware.ts'
import type { ResponseDraft } from './middleware/response-draft.ts'
import type { RequestFacts } from './http1/receive-request.ts'
import type { Destination } from './proxy/destination.ts'
import type { Meter } from './relay/meter.ts'
import type { Session } from './session.ts'
import type { RouteTimeouts } from './upstream-timeouts.ts'

/** What carries a request, as logs name it. */
export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | 'SOCKS4' | 'SOCKS5' | 'TLS' | 'TCP'

/** A reply that Turnpike makes itself. */
export interface Reply {
  status: number
  headers: Headers
  body: ReplyBody
}

/**
 * One request and its reply: the one argument that doors, handlers, loggers and metrics get.
 * Made fresh for each request, so nothing that still holds one can see the next client's.
 * Times are `World.now` milliseconds, 0 where that point was not reached.
 */
export class Exchange {
  readonly session: Session
  /** How to answer; middleware stands in front of it. */
  client: ClientPort
  readonly method: string
  /** The request target as received. */
  readonly target: string
  /** Host without port, lower case; from the absolute-form target where there was one. */
  readonly host: string
  /** Host with port as received: what an origin is shown where the host is preserved. */
  readonly authority: string
  /** The fields that may be forwarded: hop-by-hop ones are gone. */
  readonly headers: Headers
  readonly protocol: Protocol
  /** The minor HTTP/1 version of the client: 0 or 1; 1 for HTTP/2, whose clients understand as much. */
  readonly versionMinor: number
  /** The protocol that the client asks to switch to, '' for none. Emptied by a route that does not support it. */
  upgrade: string
  /** Whether the client understands trailers (`TE: trailers`). */
  readonly acceptsTrailers: boolean
  readonly expectsContinue: boolean
  /** '' for none. */
  readonly userAgent: string
  /** Which forwarding fields came: see `ConnectionFields`. */
  readonly forwarding: number
  /** See `RequestFacts`. */
  readonly everyday: boolean
  /** Who the request is from: the rightmost address that is not a trusted proxy's. */
  readonly clientAddress: string
  /** The request's body, null where there is none. */
  body: BodySource | null

  /** Path after normalisation: what routes match and what is forwarded. Set by the door. */
  path = ''
  /** Query with its question mark, '' for none; never altered. */
  query = ''
  /** Name of the route that serves it, '' before or without one. */
  route = ''
  upstream = ''
  endpoint = ''
  /** What stripPrefix took off its path, '' for nothing. */
  strippedPrefix = ''
  /** Who proved to be its user, '' for nobody. */
  user = ''
  /** What its route says of the upstream's timers, null for nothing. */
  timeouts: RouteTimeouts | null = null
  /** The middleware that it passes, null for none. */
  hooks: ExchangeHooks | null = null
  /** The final reply's head, for middleware; null before that, and where there is no middleware. */
  response: ResponseDraft | null = null
  /** Status sent to the client, 0 before that. */
  status = 0
  /** Why it failed, where it did. */
  error: TurnpikeError | null = null
  /** Connections it was sent on. */
  attempts = 0
  /** The tries that came to nothing and were followed by another, in order; null where there was none. */
  failedAttempts: FailedAttempt[] | null = null
  reused = false
  /** The address that its connection leads to: the nearest parent's, where there is one; '' before that. */
  serverAddress = ''
  /** TLS version of its connection to the upstream, such as `TLSv1.3`; null over plain text. */
  upstreamTls: string | null = null
  /** Where a door that keeps things answered from: `hit`, `miss`, `stale`, `negative`; '' where that is not the matter. */
  cache = ''
  /** What was tried for its answer, in order; null where nothing was. */
  decisions: readonly Decision[] | null = null
  bytesIn = 0
  bytesOut = 0
  /** First byte of the request. */
  readonly startedAt: number
  /** Wall clock at `startedAt`, ms since 1970. */
  readonly startedWall: number
  /** Time spent in its upstream's queue, ms. */
  queuedMs = 0
  /** What the upstream's reply came by. */
  replyProtocol: Protocol = 'HTTP/1.1'
  /** An upstream connection is at hand. */
  connectedAt = 0
  /** First byte of the upstream's reply. */
  firstByteAt = 0
  finishedAt = 0
  /** Where metrics count it as in flight: the index of its route, -1 before it has one. Theirs alone. */
  metricsRoute = -1

  /** Who counts it as in flight, and its neighbours there: `InFlight` alone sets them. */
  servedBy: InFlight | null = null
  before: Exchange | null = null
  after: Exchange | null = null
  /** Where the client of a proxy wants its bytes to go: of what asks for a tunnel; null for every other request. */
  destination: Destination | null = null
  /** The ClientHello that passed in its tunnel; null before one did, and for what is no TLS. */
  hello: ClientHello | null = null
  /** Counts what it moves, where that is limited; else null. */
  meter: Meter | null = null
  /** Where it left HTTP: what can still cut it. */
  tunnel: OpenTunnel | null = null

  /** Sequence number within the engine: unique, and the order of arrival. */
  readonly sequence: number

  constructor(
    session: Session,
    client: ClientPort,
    request: ReceivedRequest,
    sequence: number,
    now: number,
    wall: number,
  ) {
    this.session = session
    this.client = client
    this.method = request.method
    this.target = request.target
    const { facts } = request
    this.host = facts.host
    this.authority = facts.authority
    this.headers = request.headers
    this.protocol = request.protocol
    this.versionMinor = request.versionMinor
    this.upgrade = facts.upgrade
    this.acceptsTrailers = facts.trailers
    this.expectsContinue = facts.expectsContinue
    this.userAgent = facts.userAgent
    this.forwarding = facts.forwarding
    this.everyday = facts.everyday
    this.clientAddress = request.clientAddress
    this.body = null
    this.sequence = sequence
    this.startedAt = now
    this.startedWall = wall
  }

  /** Answers here and now. */
  reply(reply: Reply): void {
    this.client.reply(reply)
  }

  /** Ends it with an error: an error page where no reply has begun, else by cutting the reply off. */
  fail(error: TurnpikeError): void {
    this.error ??= error
    this.client.fail(error)
  }
}

/** A try that came to nothing. */
export interface FailedAttempt {
  endpoint: string
  /** A cause code, or the status of a reply that was dropped. */
  cause: string
  /** When it was given up, ms from the exchange's start. */
  afterMs: number
}

/** One thing that was tried for an answer. */
export interface Decision {
  /** Who was asked. */
  by: string
  /** A status, or a cause code. */
  outcome: string
  tookMs: number
}

/** Told when an exchange is over. */
export interface ExchangeHooks {
  finish(): void
  /** Goes on with those of another generation, which are as many and of the same kinds. */
  rehome(middlewares: readonly Middleware[]): void
}

/** Bytes both ways, after a 101. */
export interface OpenTunnel {
  /** Cuts both sides. */
  cut(error: TurnpikeError): void
  /** Of one that needs the config it began under: it ends once what it is at is done. Absent: it outlives that. */
  drain?(): void
}

/** What ingress makes of a request head. */
export interface ReceivedRequest {
  method: string
  target: string
  headers: Headers
  protocol: Protocol
  versionMinor: number
  clientAddress: string
  facts: RequestFacts
}
