import { TurnpikeError } from '../../core/error.ts'
import { BytesSource, type BodySource } from '../body.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { ClientPort, ExchangeWorker, ReplyHead } from '../client-port.ts'
import type { EndpointConnections } from '../endpoint-connections.ts'
import type { Exchange } from '../exchange.ts'
import type { EngineServices } from '../services.ts'
import type { ClientReply, ClientRequest } from './http-client.ts'
import { ownExchange } from './own-exchange.ts'
import { PiecesSource } from './pieces-source.ts'
import { ReplyBody } from './reply-body.ts'

/** One request of Turnpike's own on its way: the client's end of an exchange behind which no client stands. */
export class ClientCall implements ClientPort, AttemptWatcher {
  worker: ExchangeWorker | null = null
  private readonly exchange: Exchange
  private readonly request: ClientRequest
  private readonly connections: EndpointConnections
  private readonly over: () => void
  private readonly settled = Promise.withResolvers<ClientReply>()
  private body: ReplyBody | null = null
  private refreshed = false
  private again = false
  private finished = false
  private readonly aborted = (): void => this.cut(abortError(this.request.signal))

  /** `over` is called once, when the last byte of the reply is here or it has failed. */
  constructor(request: ClientRequest, connections: EndpointConnections, services: EngineServices, over: () => void) {
    this.request = request
    this.connections = connections
    this.over = over
    this.exchange = ownExchange(request, this, services)
  }

  /** Sends it. Rejects with a TurnpikeError. */
  start(): Promise<ClientReply> {
    const { exchange, request } = this
    const { body = null, signal, method } = request
    if (signal?.aborted === true) {
      this.fail(abortError(signal))
      return this.settled.promise
    }
    signal?.addEventListener('abort', this.aborted)
    exchange.body = this.bodySource()
    const length = exchange.body?.length ?? 0
    if (length > 0 || method === 'PUT' || method === 'POST') exchange.headers.set('content-length', String(length))
    // What cannot be sent twice goes where no kept connection can prove dead (RFC 9110 §9.2.2).
    const fresh = method === 'POST' || (body !== null && !(body instanceof Uint8Array))
    this.connections.send(exchange, this, fresh)
    return this.settled.promise
  }

  /** Ends it from this side, at any phase. */
  cut(error: TurnpikeError): void {
    if (this.finished) return
    const { worker } = this
    this.worker = null
    this.fail(error)
    worker?.clientGone(error)
  }

  // What becomes of its tries.

  replied(): boolean {
    return true
  }

  attemptFailed(exchange: Exchange, error: TurnpikeError): void {
    // H19: a kept connection that had closed before any byte of a reply.
    const stale = error.code === 'ERR_UPSTREAM_CLOSED' && exchange.reused && exchange.firstByteAt === 0
    if (stale && !this.refreshed) this.refreshed = this.again = true
    else this.fail(error)
  }

  attemptEnded(): void {
    if (!this.again) return
    this.again = false
    this.exchange.body = this.bodySource()
    this.connections.send(this.exchange, this, true)
  }

  // The reply.

  interim(): void {}

  begin({ status, headers, length }: ReplyHead): void {
    const { exchange } = this
    const body = new ReplyBody({
      wanted: () => this.worker?.clientReady(),
      givenUp: () =>
        this.cut(new TurnpikeError('ERR_CLIENT_ABORT', { message: 'Nobody reads the rest of the reply.' })),
    })
    this.body = body
    exchange.status = status
    this.settled.resolve({ status, headers, length, body, tlsVersion: exchange.upstreamTls, reused: exchange.reused })
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    // The memory is the connection's, or that of all of them.
    return this.body!.push(Buffer.from(bytes.subarray(start, end)))
  }

  end(): void {
    this.body?.end()
    this.finish()
  }

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  flush(): void {}

  fail(error: TurnpikeError): void {
    if (this.finished) return
    this.exchange.error = error
    if (this.body === null) this.settled.reject(error)
    else this.body.fail(error.code === 'ERR_CLIENT_STALL' ? unread() : error)
    this.finish()
  }

  reply(): never {
    throw new TurnpikeError('ERR_INTERNAL', { message: 'A request of our own was answered by ourselves.' })
  }

  takeOver(): never {
    // It asks for no upgrade, so nobody may give one.
    throw new TurnpikeError('ERR_INTERNAL', { message: 'A request of our own was upgraded.' })
  }

  private bodySource(): BodySource | null {
    const { body = null } = this.request
    if (body === null || (body instanceof Uint8Array ? body.byteLength : body.length) === 0) return null
    if (!(body instanceof Uint8Array)) return new PiecesSource(body.length, body.pieces, (error) => this.cut(error))
    return new BytesSource(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  }

  private finish(): void {
    if (this.finished) return
    this.finished = true
    this.request.signal?.removeEventListener('abort', this.aborted)
    this.exchange.body?.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
    this.over()
  }
}

/** The reader, who stands where a client stands else, is our own. */
function unread(): TurnpikeError {
  return new TurnpikeError('ERR_INTERNAL', {
    phase: 'body',
    message: 'A reply to a request of our own was not read for too long (timer: stall).',
  })
}

/** Whoever aborted may have said why. */
function abortError(signal: AbortSignal | undefined): TurnpikeError {
  const reason: unknown = signal?.reason
  if (reason instanceof TurnpikeError) return reason
  return new TurnpikeError('ERR_CLIENT_ABORT', { message: 'Nobody wants the reply any more.', cause: reason })
}
