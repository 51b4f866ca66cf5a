import { TurnpikeError } from '../../core/error.ts'
import { flatText } from '../../core/flat-text.ts'
import { Headers } from '../../core/headers.ts'
import { known } from '../../core/header-names.ts'
import { chunkPrefix, lastChunk, reasonPhrase, statusLine } from '../../wire/http1/encode.ts'
import type { ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../client-port.ts'
import { errorReply } from './error-reply.ts'
import type { Exchange, Reply } from '../exchange.ts'
import type { Http1ServerConnection } from './http1-server-connection.ts'
import { ReplyPump } from './reply-pump.ts'
import { replyVia } from '../reply-via.ts'
import type { SocketWriter } from './socket-writer.ts'

/** The client's end of one exchange on an HTTP/1 connection: writes its reply. Fresh for each exchange. */
export class Http1Reply implements ClientPort {
  worker: ExchangeWorker | null = null
  exchange!: Exchange
  /** The final head was written. */
  begun = false
  /** The whole reply was written, if not yet sent. */
  ended = false
  /** Reply bytes wait in the process: the worker was told to stop. */
  held = false
  private closed = false
  private chunked = false
  /** Bytes that the head promised and that did not come yet; -1 where it promised none. */
  private remaining = -1
  private readonly connection: Http1ServerConnection
  private readonly writer: SocketWriter

  constructor(connection: Http1ServerConnection, writer: SocketWriter) {
    this.connection = connection
    this.writer = writer
  }

  interim(status: number, reason: string, headers: Headers): void {
    // RFC 9110 §15.2: never to a 1.0 client.
    if (this.closed || this.begun || this.exchange.versionMinor === 0) return
    this.writer.addText(`${statusLine(status, reason)}${headers.toText()}\r\n`)
    this.writer.flush()
  }

  begin(head: ReplyHead): void {
    if (this.closed || this.begun) return
    this.begun = true
    const { exchange, connection } = this
    const { services } = connection
    exchange.status = head.status
    if (this.beginAgain(head)) return
    // RFC 9110 §8.6: none there, whatever the origin thinks.
    if (head.status === 204) head.headers.delete('content-length')
    // How long a body is says who sends it, and no middleware.
    else if (head.hasBody && head.headers.hasAdded('content-length')) head.headers.delete('content-length')
    let lines = head.headers.receivedLines()
    lines += replyVia(exchange, services.viaLine)
    // RFC 9110 §6.6.1: who forwards a reply without a date adds one.
    if (!head.headers.has('date')) lines += `Date: ${services.clock.date}\r\n`
    if (head.hasBody) {
      if (head.length >= 0) {
        this.remaining = head.length
        if (head.headers.find(known.contentLength) < 0) lines += `Content-Length: ${head.length}\r\n`
      } else if (exchange.versionMinor === 1) {
        this.chunked = true
        lines += 'Transfer-Encoding: chunked\r\n'
      } else {
        connection.keepAlive = false
      }
    } else {
      this.remaining = 0
    }
    connection.settleKeepAlive()
    if (!connection.keepAlive) lines += 'Connection: close\r\n'
    else if (exchange.versionMinor === 0) lines += 'Connection: keep-alive\r\n'
    const text = statusLine(head.status, head.reason) + lines
    const added = head.headers.addedLines()
    if (this.isEveryday(head) && head.headers.find(known.date) >= 0) head.headers.keptHead = flatText(text)
    this.writer.addText(`${text}${added}\r\n`)
  }

  /** Most replies of a service that repeats itself have their head put together already. */
  private beginAgain(head: ReplyHead): boolean {
    if (!this.isEveryday(head)) return false
    const { keptHead } = head.headers
    if (keptHead === '') return false
    this.remaining = head.length
    this.writer.addText(`${keptHead}${head.headers.addedLines()}\r\n`)
    return true
  }

  private isEveryday({ facts, headers, length, hasBody, status }: ReplyHead): boolean {
    const { connection, exchange } = this
    return (
      facts !== null &&
      headers.intact !== null &&
      !headers.hasAdded('content-length') &&
      hasBody &&
      length >= 0 &&
      status !== 204 &&
      exchange.versionMinor === 1 &&
      connection.keepAlive &&
      exchange.body === null
    )
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.closed || this.ended) return true
    const size = end - start
    if (size === 0) return true
    this.exchange.bytesOut += size
    if (this.remaining >= 0) this.remaining -= size
    if (this.remaining < 0 && !this.chunked && this.exchange.versionMinor === 1) {
      this.fail(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'The reply is longer than announced.' }))
      return true
    }
    if (!this.chunked) return this.hold(this.writer.addBytes(bytes, start, end))
    this.writer.addText(chunkPrefix(size))
    const free = this.writer.addBytes(bytes, start, end)
    this.writer.addText('\r\n')
    return this.hold(free)
  }

  end(trailers: Headers | null): void {
    if (this.closed || this.ended) return
    if (this.remaining > 0) {
      this.fail(new TurnpikeError('ERR_INTERNAL', { phase: 'body', message: 'The reply is shorter than announced.' }))
      return
    }
    this.ended = true
    if (this.chunked) this.writer.addText(lastChunk(this.exchange.acceptsTrailers ? trailers : null))
  }

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  flush(): void {
    if (this.closed) return
    this.writer.flush()
    if (this.ended) this.connection.replyEnded()
  }

  reply(reply: Reply): void {
    if (this.closed || this.begun) return
    const { status, headers, body } = reply
    // RFC 9110 §9.3.6: to CONNECT any 2xx says that a tunnel stands.
    if (this.exchange.method === 'CONNECT' && status < 300) {
      if (body.kind === 'source') body.source.cancel(noTunnel())
      return this.fail(noTunnel())
    }
    if (body.kind === 'source') {
      const pump = new ReplyPump(body.source, this)
      this.worker = pump
      this.begin({
        status,
        reason: reasonPhrase(status),
        headers,
        length: body.source.length,
        hasBody: this.mayHaveBody(status),
        facts: null,
      })
      if (this.mayHaveBody(status)) {
        pump.start()
        return
      }
      body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT', { message: 'The reply has no body.' }))
    } else {
      const length = body.kind === 'bytes' ? body.bytes.length : 0
      const hasBody = this.mayHaveBody(status)
      // RFC 9110 §8.6: to HEAD the length that GET would have; none with 1xx and 204.
      if (!hasBody && status >= 200 && status !== 204 && status !== 304 && !headers.has('content-length')) {
        headers.append('Content-Length', String(length))
      }
      this.begin({ status, reason: reasonPhrase(status), headers, length, hasBody, facts: null })
      if (body.kind === 'bytes' && hasBody && length > 0) this.write(body.bytes, 0, length)
    }
    this.end(null)
    this.flush()
  }

  fail(error: TurnpikeError): void {
    if (this.closed || this.ended) return
    const { exchange, connection } = this
    exchange.error ??= error
    if (this.begun || error.code === 'ERR_CLIENT_ABORT') {
      connection.cut(error)
      return
    }
    const { services } = connection
    // What the client did wrong in framing leaves no safe place to read on from.
    if (error.source === 'client' && (error.phase === 'head' || error.phase === 'body')) connection.keepAlive = false
    if (error.code === 'ERR_CONNECT_NOT_ALLOWED' || error.code === 'ERR_DRAINING') connection.keepAlive = false
    exchange.client.reply(errorReply(error, exchange, services.pseudonym, services.requestIds.of(exchange)))
  }

  takeOver(status: number, reason: string, headers: Headers): TakenConnection {
    this.begun = true
    this.closed = true
    this.exchange.status = status
    let lines = headers.toText()
    // A grant has no framing fields (F2, RFC 9110 §9.3.6), and nobody's reply was forwarded.
    if (status === 101)
      lines += `${this.connection.services.viaLine}Connection: upgrade\r\nUpgrade: ${this.exchange.upgrade}\r\n`
    this.writer.addText(`${statusLine(status, reason)}${lines}\r\n`)
    this.writer.flush()
    return this.connection.takeOver()
  }

  /** The worker is told that it can go on. */
  drained(): void {
    if (!this.held) return
    this.held = false
    this.worker?.clientReady()
  }

  /** The exchange is over: whoever still holds it can do nothing to the connection any more. */
  close(): void {
    this.closed = true
    this.worker = null
  }

  private hold(free: boolean): boolean {
    if (!free) this.held = true
    return free
  }

  /** RFC 9112 §6.3 (H8). */
  private mayHaveBody(status: number): boolean {
    return this.exchange.method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304
  }
}

function noTunnel(): TurnpikeError {
  return new TurnpikeError('ERR_CONNECT_NOT_ALLOWED', { message: 'Something else was to be answered than a tunnel.' })
}
