import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import type { ClientHello } from '../../wire/client-hello.ts'
import { abortPhase } from '../abort-phase.ts'
import type { ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../client-port.ts'
import { endExchange } from '../end-exchange.ts'
import { Exchange, type Protocol, type Reply } from '../exchange.ts'
import { cutSocket } from '../http1/cut-socket.ts'
import type { EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import type { Socket } from '../world.ts'
import type { Destination } from './destination.ts'
import { lingeringClose } from './lingering-close.ts'
import { tlsAlert } from './tls-alert.ts'
import { tunnelRequest } from './tunnel-request.ts'

/** What a client may send before it is known where to, until it is read no further. */
const AHEAD_BYTES = 64 * 1024

/** What its client sends, until there is an exchange. */
export interface RawClientEvents {
  read(chunk: Buffer): void
  /** The client ended its direction. */
  ended(): void
  /** Called once, when the connection is over, or the tunnel that took it. */
  over(): void
}

/**
 * The client's end of a connection that speaks no protocol of proxies: raw TLS, or whatever the system captured. It
 * carries one exchange, the tunnel that it asks for by being there. A grant is silence, and hands on every byte that
 * came; a refusal is a TLS alert, or a reset for those who do not speak TLS.
 */
export class RawClient implements ClientPort {
  worker: ExchangeWorker | null = null
  private readonly socket: Socket
  private readonly services: EngineServices
  private readonly events: RawClientEvents
  private exchange: Exchange | null = null
  private speaksTls = false
  private pending: Buffer[] = []
  private pendingBytes = 0
  private inputEnded = false
  /** `open`: read by us. `taken`: a tunnel's. `closing`: refused, or gone. */
  private state: 'open' | 'taken' | 'closing' = 'open'

  /** Starts reading a paused socket. */
  constructor(socket: Socket, services: EngineServices, events: RawClientEvents) {
    this.socket = socket
    this.services = services
    this.events = events
    socket.on('data', this.received)
    socket.on('end', this.ended)
    socket.on('close', this.gone)
    socket.resume()
  }

  /** Whether it asks for anything yet. */
  get asks(): boolean {
    return this.exchange !== null
  }

  get receivedBytes(): number {
    return this.pendingBytes
  }

  /** The exchange that asks for the tunnel; to be handed to a door. `host` of the destination is '' where none is known. */
  ask(session: Session, destination: Destination, hello: ClientHello | null, protocol: Protocol): Exchange {
    const { services } = this
    const { world } = services
    const request = tunnelRequest('CONNECT', destination.host === '' ? null : destination, protocol, session)
    const exchange = new Exchange(session, this, request, services.nextSequence(), world.now(), world.wallClock())
    exchange.destination = destination
    exchange.hello = hello
    this.speaksTls = protocol === 'TLS'
    this.exchange = exchange
    services.ledger.enter('exchanges')
    return exchange
  }

  /** Hands the socket on as it came: paused, with every byte put back. It must not have asked for anything. */
  release(): void {
    const { socket, pending } = this
    this.state = 'taken'
    this.pending = []
    socket.pause()
    socket.off('data', this.received)
    socket.off('end', this.ended)
    socket.off('close', this.gone)
    if (pending.length > 0) socket.unshift(Buffer.concat(pending))
  }

  /** Cuts it, whatever it is doing. */
  destroy(): void {
    if (this.exchange === null) this.socket.destroy()
    else cutSocket(this.socket, false)
  }

  takeOver(status: number): TakenConnection {
    const { socket, pending, inputEnded } = this
    this.state = 'taken'
    this.exchange!.status = status
    socket.pause()
    socket.off('data', this.received)
    socket.off('end', this.ended)
    socket.off('close', this.gone)
    this.pending = []
    const done = (): void => {
      this.finish()
      this.events.over()
    }
    return { socket, pending: pending.length === 0 ? null : Buffer.concat(pending), inputEnded, done }
  }

  fail(error: TurnpikeError): void {
    const { exchange } = this
    if (exchange === null || this.state !== 'open') return
    exchange.error ??= error
    this.turnAway(error)
  }

  reply({ status, body }: Reply): void {
    if (body.kind === 'source') body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT', { message: noHttp }))
    this.turnAway({ status })
  }

  begin({ status }: ReplyHead): void {
    const { worker } = this
    this.turnAway({ status })
    worker?.clientGone(new TurnpikeError('ERR_CLIENT_ABORT', { message: noHttp }))
  }

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  // There is nobody to whom HTTP could be spoken.

  interim(_status: number, _reason: string, _headers: Headers): void {}

  write(): boolean {
    return true
  }

  end(): void {}

  flush(): void {}

  private turnAway(error: { code?: string; status: number }): void {
    const { socket, exchange } = this
    if (exchange === null || this.state !== 'open') return
    this.state = 'closing'
    this.worker = null
    exchange.status = error.status
    socket.off('data', this.received)
    socket.off('end', this.ended)
    this.pending = []
    this.finish()
    if (this.speaksTls && error.code !== 'ERR_CLIENT_ABORT') lingeringClose(socket, tlsAlert(error), this.services)
    else cutSocket(socket, false)
  }

  private readonly received = (chunk: Buffer): void => {
    this.pending.push(chunk)
    this.pendingBytes += chunk.length
    if (this.pendingBytes > AHEAD_BYTES) this.socket.pause()
    if (this.exchange === null) this.events.read(chunk)
  }

  private readonly ended = (): void => {
    // What it asked for is still sought (F4): its target may have something to say to what it sent.
    this.inputEnded = true
    if (this.exchange === null) this.events.ended()
  }

  private readonly gone = (): void => {
    const { exchange } = this
    if (this.state === 'open' && exchange !== null) {
      const error = new TurnpikeError('ERR_CLIENT_ABORT', { phase: abortPhase(exchange) })
      exchange.error ??= error
      exchange.status = 499
      const { worker } = this
      this.worker = null
      worker?.clientGone(error)
      this.finish()
    }
    this.state = 'closing'
    this.events.over()
  }

  private finish(): void {
    const { exchange } = this
    if (exchange !== null && exchange.finishedAt === 0) endExchange(this.services, exchange)
  }
}

const noHttp = 'The client does not speak HTTP.'
