import type { ServerHttp2Stream } from 'node:http2'
import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { reasonPhrase } from '../../wire/http1/encode.ts'
import { abortPhase } from '../abort-phase.ts'
import type { ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../client-port.ts'
import { endExchange } from '../end-exchange.ts'
import type { Exchange, Reply } from '../exchange.ts'
import { errorReply } from '../http1/error-reply.ts'
import { ReplyPump } from '../http1/reply-pump.ts'
import { replyVia } from '../reply-via.ts'
import { Deadline } from '../timers.ts'
import { http2Fields } from './http2-fields.ts'
import type { Http2RequestBody } from './http2-request-body.ts'
import type { Http2ServerConnection } from './http2-server-connection.ts'
import { http2Code } from './http2-codes.ts'

/** Pieces up to this size are copied, larger ones are sent from where they stand. */
const COPIED_BYTES = 16 * 1024
/** Gathered up to here before it is handed to the codec. */
const GATHER_BYTES = 32 * 1024
/** What a stream may hold of a reply before its producer waits. */
const HELD_BYTES = 64 * 1024

/** The client's end of one exchange on an HTTP/2 stream: sends its reply. Fresh for each exchange. */
export class Http2Reply implements ClientPort {
  worker: ExchangeWorker | null = null
  exchange!: Exchange
  body: Http2RequestBody | null = null
  private readonly stream: ServerHttp2Stream
  private readonly connection: Http2ServerConnection
  private readonly deadline: Deadline
  private begun = false
  /** All of the reply is here. */
  private ended = false
  /** All of the reply was handed to the codec. */
  private sent = false
  /** The worker was told to wait. */
  private held = false
  /** The exchange is over. */
  private closed = false
  /** Until it is sent, with the first bytes or the end. */
  private head: ReplyHead | null = null
  private hasBody = false
  /** Bytes that the head promised and that did not come yet; -1 where it promised none. */
  private remaining = -1
  private gathered: Buffer[] = []
  private gatheredBytes = 0
  /** Writes that the codec has not finished. */
  private writing = 0
  private trailers: Headers | null = null
  private waitsForTrailers = false

  constructor(stream: ServerHttp2Stream, connection: Http2ServerConnection) {
    this.stream = stream
    this.connection = connection
    this.deadline = new Deadline(() => this.breakOff(new TurnpikeError('ERR_CLIENT_STALL'), http2Code.cancel))
    stream.on('aborted', () => this.gone())
    stream.on('close', () => this.streamClosed())
  }

  interim(status: number, _reason: string, headers: Headers): void {
    if (this.closed || this.begun || this.stream.closed) return
    this.stream.additionalHeaders(http2Fields(headers, status))
  }

  begin(head: ReplyHead): void {
    if (this.closed || this.begun) return
    const { headers, status } = head
    const { services } = this.connection
    this.begun = true
    this.head = head
    this.exchange.status = status
    // RFC 9110 §15.3.6: neither has content, and the codec ends the stream of both.
    this.hasBody = head.hasBody && status !== 204 && status !== 205
    if (status === 204 || status === 205) headers.delete('content-length')
    this.remaining = this.hasBody ? head.length : -1
    const via = replyVia(this.exchange, services.viaLine)
    if (via !== '') headers.append('via', via.slice('Via: '.length, -2))
    // RFC 9110 §6.6.1: who forwards a reply without a date adds one.
    if (!headers.has('date')) headers.append('date', services.clock.date)
    if (this.hasBody && head.length >= 0 && !headers.has('content-length')) {
      headers.append('content-length', String(head.length))
    }
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    const size = end - start
    if (this.closed || this.ended || size === 0 || !this.hasBody) return true
    this.exchange.bytesOut += size
    if (this.remaining >= 0) {
      this.remaining -= size
      if (this.remaining < 0) {
        this.fail(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'The reply is longer than announced.' }))
        return true
      }
    }
    if (size <= COPIED_BYTES) {
      this.gathered.push(Buffer.from(bytes.subarray(start, end)))
      this.gatheredBytes += size
      if (this.gatheredBytes > GATHER_BYTES) this.send()
      return this.stream.writableLength <= HELD_BYTES || this.hold()
    }
    this.send()
    this.give(bytes.subarray(start, end))
    return this.hold()
  }

  end(trailers: Headers | null): void {
    if (this.closed || this.ended) return
    if (this.remaining > 0) {
      this.fail(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'The reply is shorter than announced.' }))
      return
    }
    this.ended = true
    this.trailers = trailers
  }

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  flush(): void {
    if (this.begun) this.send()
  }

  reply(reply: Reply): void {
    if (this.closed || this.begun) return
    const { status, headers, body } = reply
    const hasBody = this.exchange.method !== 'HEAD' && status !== 204 && status !== 304
    const length = body.kind === 'source' ? body.source.length : body.kind === 'bytes' ? body.bytes.length : 0
    // RFC 9110 §8.6: to HEAD the length that GET would have.
    if (!hasBody && length >= 0 && status !== 204 && status !== 304 && !headers.has('content-length')) {
      headers.append('content-length', String(length))
    }
    this.begin({ status, reason: reasonPhrase(status), headers, length, hasBody, facts: null })
    if (body.kind === 'source') {
      if (this.hasBody) {
        const pump = new ReplyPump(body.source, this)
        this.worker = pump
        pump.start()
        return
      }
      body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT', { message: 'The reply has no body.' }))
    } else if (body.kind === 'bytes') this.write(body.bytes, 0, length)
    this.end(null)
    this.flush()
  }

  fail(error: TurnpikeError): void {
    if (this.closed || this.ended) return
    const { exchange, connection } = this
    exchange.error ??= error
    if (this.begun || error.code === 'ERR_CLIENT_ABORT') {
      // RFC 9113 §8.1: never an END_STREAM, so that what was sent cannot pass for complete (H7).
      this.breakOff(error, http2Code.internalError)
      return
    }
    const { services } = connection
    if (error.code === 'ERR_DRAINING') connection.drain()
    exchange.client.reply(errorReply(error, exchange, services.pseudonym, services.requestIds.of(exchange)))
  }

  /** Never asked for: the codec lets no `Upgrade` in, and extended CONNECT (RFC 8441) is not announced. */
  takeOver(): TakenConnection {
    throw new TurnpikeError('ERR_INTERNAL', { message: 'An HTTP/2 stream has no connection of its own to hand over.' })
  }

  /** The request cannot be completed: the worker is told before the client is. */
  failRequest(error: TurnpikeError): void {
    if (this.closed) return
    const { worker, exchange } = this
    exchange.error ??= error
    this.worker = null
    worker?.clientGone(error)
    this.body?.abort(error)
    this.fail(error)
  }

  /** Ends the exchange from this side: the stream is reset. */
  breakOff(error: TurnpikeError, code: number): void {
    if (this.closed) return
    const { exchange, worker, stream } = this
    this.worker = null
    this.gathered = []
    exchange.error ??= error
    if (exchange.status === 0) exchange.status = 499
    worker?.clientGone(error)
    this.body?.abort(error)
    this.over()
    // Outside the codec's own turn: within it, a stream that goes before its trailers ends the process
    // (an assertion in `OnTrailers`, Node 26).
    this.connection.services.world.soon(() => {
      stream.close(code)
      // A client that reads nothing does not get to the first.
      stream.destroy()
    })
  }

  /** The client is gone, or has reset the stream: whoever works for it stops (H20). */
  private gone(): void {
    if (this.closed || this.sent) return
    this.connection.streamReset()
    const error = new TurnpikeError('ERR_CLIENT_ABORT', { phase: abortPhase(this.exchange) })
    this.breakOff(error, http2Code.noError)
  }

  private streamClosed(): void {
    if (this.closed) return
    if (this.sent && this.stream.rstCode === 0) {
      this.body?.abort(
        new TurnpikeError('ERR_CLIENT_ABORT', { message: 'The reply came before the end of the request.' }),
      )
      this.over()
      return
    }
    this.sent = false
    this.gone()
  }

  private over(): void {
    this.closed = true
    this.worker = null
    this.connection.services.timers.remove(this.deadline)
    endExchange(this.connection.services, this.exchange)
    this.connection.exchangeEnded(this)
  }

  /** Hands over what was gathered, the head before it. */
  private send(): void {
    const { stream, gathered, ended } = this
    if (this.closed || this.sent || stream.closed || stream.destroyed) return
    if (this.head !== null && !this.sendHead(this.head)) return
    if (gathered.length > 0) {
      this.gathered = []
      this.gatheredBytes = 0
      this.give(gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered))
    }
    if (!ended) return
    this.sent = true
    this.armStall()
    if (!this.waitsForTrailers) this.afterReply()
    if (!stream.writableEnded) stream.end()
  }

  /** False where it cannot be sent. */
  private sendHead(head: ReplyHead): boolean {
    this.head = null
    const { stream, ended } = this
    const endStream = !this.hasBody || (ended && this.gathered.length === 0 && this.trailers === null)
    this.waitsForTrailers = !endStream && (!ended || this.trailers !== null)
    if (this.waitsForTrailers) stream.on('wantTrailers', () => this.sendTrailers())
    try {
      stream.respond(http2Fields(head.headers, head.status), {
        endStream,
        waitForTrailers: this.waitsForTrailers,
      })
      return true
    } catch (cause) {
      // A status or a field that HTTP/2 does not have.
      this.breakOff(new TurnpikeError('ERR_UPSTREAM_HEAD', { cause }), http2Code.internalError)
      return false
    }
  }

  private sendTrailers(): void {
    // Without any, the codec ends the stream with an empty DATA frame.
    this.stream.sendTrailers(this.trailers === null ? {} : http2Fields(this.trailers))
    this.afterReply()
  }

  /** RFC 9113 §8.1: when the reply is complete, the rest of the request is not wanted (H12). */
  private afterReply(): void {
    const { stream, connection } = this
    // Read on, where its taker had been told to wait: a stream does not close before it was read to its end.
    this.body?.cancel()
    if (stream.endAfterHeaders || this.body?.complete === true) return
    // A turn later, when the end of the reply is queued.
    const closeRest = (): void => connection.services.world.soon(() => stream.close(http2Code.noError))
    if (stream.writableFinished) closeRest()
    else stream.once('finish', closeRest)
  }

  private give(bytes: Buffer): void {
    if (this.stream.closed) return
    this.writing++
    this.connection.guard.sent()
    this.stream.write(bytes, this.written)
  }

  private hold(): false {
    this.held = true
    this.armStall()
    return false
  }

  private readonly written = (): void => {
    this.writing--
    if (this.closed) return
    if (this.writing > 0 || this.sent) this.armStall()
    else {
      this.deadline.at = Infinity
      if (!this.held) return
      this.held = false
      this.worker?.clientReady()
    }
  }

  private armStall(): void {
    const { services, options } = this.connection
    services.timers.set(this.deadline, 'stall', services.world.now(), options.timeouts.stallMs)
  }
}
