import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { reasonPhrase } from '../../wire/http1/encode.ts'
import { receivedFields } from '../../wire/http2/fields.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { BodySink } from '../body.ts'
import type { ExchangeWorker } from '../client-port.ts'
import type { Exchange } from '../exchange.ts'
import { isGrpc } from '../grpc-status.ts'
import { ingress } from '../http1/ingress.ts'
import { RepeatableBody } from '../repeatable-body.ts'
import type { EngineServices } from '../services.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { UpstreamTimeouts } from '../upstream-timeouts.ts'
import { http2Fields } from './http2-fields.ts'
import { receivedTrailers } from './received-trailers.ts'
import { END_STREAM, http2Code } from './http2-codes.ts'

/** The connection that a stream is on. */
export interface StreamCarrier {
  /** The stream is over, and its place is free. */
  streamOver(): void
  /** The endpoint said something on a stream. */
  heard(): void
  /** Calls the stream's `flushClient` once all that can be read now was read. */
  flushSoon(stream: Http2UpstreamStream): void
  /** Makes sure that the endpoint is there at all: ends the connection where it does not answer. */
  ask(): void
  /** Resets a stream that nobody wants any more. */
  resetSoon(stream: ClientHttp2Stream): void
  /** Whether the endpoint has said that it did not act on that stream and will not (RFC 9113 §6.8). */
  refused(streamId: number): boolean
  /** The connection ended, and why, where that is known; null while it stands. */
  readonly lost: Error | null
}

/** Sane services send one or two. */
const MAX_INTERIM = 16
/** Pieces up to this size are copied, so that their memory is free at once. */
const COPIED_BYTES = 16 * 1024

type ReplyFields = IncomingHttpHeaders & IncomingHttpStatusHeader

/** One exchange on one stream of an HTTP/2 connection to an endpoint. The two directions end on their own. */
export class Http2UpstreamStream implements BodySink, ExchangeWorker {
  private readonly exchange: Exchange
  private readonly watcher: AttemptWatcher
  private readonly carrier: StreamCarrier
  private readonly services: EngineServices
  private readonly timeouts: UpstreamTimeouts
  private readonly deadline = new Deadline((name) => this.expired(name))
  private stream!: ClientHttp2Stream
  private requestDone = false
  private requestTrailers: Headers | null = null
  /** The source of the request's body was told to wait. */
  private requestHeld = false
  /** Memory of that source stands in the write queue. */
  private lent = false
  private replyTouched = false
  /** The final head went to the client. */
  private begun = false
  /** The client was told to have enough for now. */
  private replyHeld = false
  private interims = 0
  private trailers: Headers | null = null
  /** END_STREAM came. */
  private whole = false
  private cause: Error | null = null
  private over = false

  constructor(
    exchange: Exchange,
    watcher: AttemptWatcher,
    carrier: StreamCarrier,
    services: EngineServices,
    timeouts: UpstreamTimeouts,
  ) {
    this.exchange = exchange
    this.watcher = watcher
    this.carrier = carrier
    this.services = services
    this.timeouts = exchange.timeouts ?? timeouts
  }

  /** Sends the request, whose head is on the stream, and brings the reply back. */
  start(stream: ClientHttp2Stream): void {
    const { exchange, services, timeouts } = this
    this.stream = stream
    services.ledger.enter('upstreamStreams')
    if (exchange.body !== null && !(exchange.body instanceof RepeatableBody)) {
      exchange.body = new RepeatableBody(exchange.body)
    }
    const { body } = exchange
    exchange.client.worker = this
    this.requestDone = body === null
    this.listen(stream)
    const timer = body === null ? 'firstByte' : 'stall'
    services.timers.set(this.deadline, timer, services.world.now(), timeouts[`${timer}Ms`])
    body?.start(this)
  }

  // The request's body, on its way out.

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.over || start === end) return true
    this.moved()
    if (end - start <= COPIED_BYTES) {
      this.requestHeld = !this.stream.write(Buffer.from(bytes.subarray(start, end)))
    } else {
      this.lent = this.requestHeld = true
      this.stream.write(bytes.subarray(start, end), this.returned)
    }
    return !this.requestHeld
  }

  end(trailers: Headers | null): void {
    if (this.over) return
    this.requestDone = true
    this.requestTrailers = trailers
    this.stream.end()
    // A reply may be on its way already.
    if (this.replyTouched) this.moved()
    else this.services.timers.set(this.deadline, 'firstByte', this.services.world.now(), this.timeouts.firstByteMs)
  }

  abort(): void {
    if (!this.requestDone) this.clientGone()
  }

  flush(): void {}

  // The client's side.

  clientReady(): void {
    this.replyHeld = false
    this.moved()
    this.stream.resume()
  }

  clientGone(): void {
    if (this.over) return
    this.leave()
    this.watcher.attemptEnded(this.exchange, null)
  }

  flushClient(): void {
    if (!this.over) this.exchange.client.flush()
  }

  // The reply, on its way back.

  private listen(stream: ClientHttp2Stream): void {
    stream.on('headers', (fields: ReplyFields, _flags, raw: string[]) => this.interim(Number(fields[':status']), raw))
    stream.on('response', (fields: ReplyFields, flags: number, raw: string[]) =>
      this.head(Number(fields[':status']), (flags & END_STREAM) !== 0, raw),
    )
    stream.on('trailers', (_fields, _flags, raw: string[]) => {
      this.trailers = receivedTrailers(raw)
    })
    stream.on('data', (chunk: Buffer) => this.data(chunk))
    stream.on('end', () => {
      if (this.whole && this.begun) this.complete()
    })
    stream.on('error', (error: Error) => {
      this.cause = error
    })
    stream.on('close', () => this.closed())
    stream.on('drain', () => {
      if (!this.lent) this.writable()
    })
    stream.on('wantTrailers', () => {
      // Without any, the body ends with an empty DATA frame.
      if (!stream.closed) stream.sendTrailers(this.requestTrailers === null ? {} : http2Fields(this.requestTrailers))
    })
    // A stream that was reset with NO_ERROR ends as one that is whole does, and only the order in which Node
    // pushes the end and closes the stream tells them apart (H7).
    const push = stream.push.bind(stream)
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.whole = true
      return push(chunk, encoding)
    }
    // Read from the first head on: until then nothing but fields can come.
    stream.pause()
  }

  private interim(status: number, raw: string[]): void {
    if (this.over) return
    this.touched()
    if (++this.interims > MAX_INTERIM) {
      this.fail(new TurnpikeError('ERR_UPSTREAM_HEAD', { message: 'The endpoint sent too many 1xx replies.' }))
      return
    }
    const { exchange } = this
    // A 100 that the client did not ask for is not passed on (H15).
    if (status === 100 && !exchange.expectsContinue) return
    const headers = receivedFields(raw)
    ingress(headers)
    exchange.client.interim(status, reasonPhrase(status), headers)
  }

  private head(status: number, ended: boolean, raw: string[]): void {
    if (this.over) return
    this.touched()
    const { exchange, watcher } = this
    const headers = receivedFields(raw)
    ingress(headers)
    if (!watcher.replied(exchange, status, headers)) {
      this.leave()
      watcher.attemptEnded(exchange, null)
      return
    }
    this.begun = true
    exchange.replyProtocol = 'HTTP/2'
    const hasBody = exchange.method !== 'HEAD' && status !== 204 && status !== 304
    const length = ended || !hasBody ? 0 : Number(headers.get('content-length') ?? -1)
    exchange.client.begin({ status, reason: reasonPhrase(status), headers, length, hasBody, facts: null })
    if (this.over) return
    if (ended) return this.complete()
    this.moved()
    this.carrier.flushSoon(this)
    this.stream.resume()
  }

  private data(chunk: Buffer): void {
    if (this.over) return
    this.moved()
    if (!this.exchange.client.write(chunk, 0, chunk.length) && !this.over) {
      this.replyHeld = true
      this.stream.pause()
    }
    this.carrier.flushSoon(this)
  }

  /** The reply is whole: the stream's place is free before the client is served, so that its next request finds it. */
  private complete(): void {
    if (this.over) return
    const { exchange, watcher, trailers } = this
    const { client } = exchange
    client.end(trailers)
    if (this.over) return
    this.leave()
    watcher.attemptEnded(exchange, null)
    client.flush()
  }

  private closed(): void {
    if (this.over) return
    const { lost } = this.carrier
    const { id = 0, rstCode } = this.stream
    const cause = this.cause ?? lost ?? new Error(`The stream was closed with code ${rstCode}.`)
    if (lost === null) this.carrier.heard()
    if (!this.begun) {
      const refused = rstCode === http2Code.refusedStream || this.carrier.refused(id)
      this.fail(new TurnpikeError('ERR_UPSTREAM_CLOSED', { cause }), refused || this.lostUnanswered())
    } else if (this.cause === null && (lost !== null || rstCode === http2Code.noError)) {
      this.fail(new TurnpikeError('ERR_UPSTREAM_TRUNCATED', { cause }))
    } else {
      this.fail(new TurnpikeError('ERR_UPSTREAM_ABORT', { cause, message: 'The endpoint reset the stream.' }))
    }
  }

  /** H19: a connection in use before that was lost without a byte of a reply, and a method that may be repeated. */
  private lostUnanswered(): boolean {
    const { exchange, carrier, replyTouched } = this
    return carrier.lost !== null && exchange.reused && !replyTouched && idempotent.has(exchange.method)
  }

  /** `unseen`: nothing of the request was acted on. */
  private fail(error: TurnpikeError, unseen = false): void {
    if (this.over) return
    const { exchange, watcher, begun } = this
    this.leave()
    if (begun) {
      exchange.error ??= error
      watcher.attemptEnded(exchange, error)
      exchange.client.fail(error)
      return
    }
    const body = repeatableBody(exchange)
    const repeatable = unseen && body?.repeatable !== false
    if (repeatable) body?.detach()
    watcher.attemptFailed(exchange, error, repeatable)
    watcher.attemptEnded(exchange, null)
  }

  /** Lets go of the exchange; what is left of the stream is reset. */
  private leave(): void {
    const { exchange, services, stream } = this
    this.over = true
    exchange.client.worker = null
    services.timers.remove(this.deadline)
    services.ledger.strike('upstreamStreams')
    if (!this.whole || !this.requestDone) this.carrier.resetSoon(stream)
    // Node keeps a stream until its end was read, a reset one too.
    stream.resume()
    this.carrier.streamOver()
  }

  private readonly returned = (): void => {
    this.lent = false
    this.writable()
  }

  private writable(): void {
    if (this.over || !this.requestHeld) return
    this.requestHeld = false
    this.moved()
    this.exchange.body!.resume()
  }

  private touched(): void {
    if (this.replyTouched) return
    this.replyTouched = true
    this.carrier.heard()
    repeatableBody(this.exchange)?.settle()
    this.exchange.firstByteAt = this.services.world.now()
    this.moved()
  }

  private moved(): void {
    if (this.requestDone && !this.replyTouched) return
    this.services.timers.set(this.deadline, 'stall', this.services.world.now(), this.timeouts.stallMs)
  }

  private expired(name: TimerName): void {
    this.carrier.ask()
    if (name === 'firstByte') return this.fail(new TurnpikeError('ERR_FIRST_BYTE_TIMEOUT'))
    // The client is slow to send: that is for its own timer to say. And a call may stay open with nothing to say.
    const waits = this.requestHeld || this.replyHeld
    if (!waits && (!this.requestDone || isGrpc(this.exchange.headers))) return this.moved()
    this.fail(new TurnpikeError(this.replyHeld ? 'ERR_CLIENT_STALL' : 'ERR_STALL_TIMEOUT'))
  }
}

function repeatableBody({ body }: Exchange): RepeatableBody | null {
  return body instanceof RepeatableBody ? body : null
}

/** RFC 9110 §9.2.2 */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
