import { TurnpikeError } from '../../core/error.ts'
import type { TakenConnection } from '../client-port.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import type { Exchange, OpenTunnel } from '../exchange.ts'
import { cutSocket } from '../http1/cut-socket.ts'
import { freePiece } from '../http1/free-piece.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'
import { Flow } from './flow.ts'

export interface RelayOptions {
  taken: TakenConnection
  dialled: Dialled
  exchange: Exchange
  services: EngineServices
  /** How long no byte may move. */
  stallMs: number
  /** Sees what the client sends first, until it says that it has seen enough; changes nothing. Default: nobody does. */
  onlooker?: Onlooker | null
  /** Called once, when both sides are over, just before the exchange ends. */
  over?: () => void
}

export interface Onlooker {
  /** False: enough. */
  saw(chunk: Buffer): boolean
}

/** Reads that fill less of a buffer of the relay's own show that not much moves any more. */
const WORTH_BYTES = 32 * 1024
/** What may wait in the process in each direction, beside what was read last. */
const AHEAD_BYTES = 128 * 1024

/** Bytes both ways between a client and whoever it was connected to. Each side's end travels on its own (F4). */
export class Relay implements StreamEvents, OpenTunnel {
  private readonly taken: TakenConnection
  private readonly client: Socket
  private readonly dialled: Dialled
  private readonly exchange: Exchange
  private readonly services: EngineServices
  private readonly stallMs: number
  private readonly over: (() => void) | null
  private onlooker: Onlooker | null
  private readonly deadline = new Deadline(() => this.stalled())
  private readonly up: Flow
  private readonly down: Flow
  /** What the target is read into: null for the memory that all dialled sockets share, of which a copy is sent. */
  private own: Buffer | null = null
  private clientEnded = false
  private upstreamEnded = false
  private clientClosed = false
  private upstreamClosed = false
  private finished = false

  constructor({ taken, dialled, exchange, services, stallMs, onlooker = null, over }: RelayOptions) {
    this.taken = taken
    this.client = taken.socket
    this.dialled = dialled
    this.exchange = exchange
    this.services = services
    this.stallMs = stallMs
    this.onlooker = onlooker
    this.over = over ?? null
    this.up = new Flow(taken.socket, dialled.socket, services, this.resumed)
    this.down = new Flow(dialled.socket, taken.socket, services, this.resumed)
  }

  /** Starts; `first` are bytes of the target that were read already. */
  open(first: Buffer | null = null): void {
    const { client, taken } = this
    this.services.ledger.enter('tunnels')
    this.exchange.tunnel = this
    this.dialled.attach(this)
    client.on('data', this.toUpstream)
    client.on('end', this.clientEnd)
    client.on('error', this.clientFailed)
    client.on('close', this.clientClose)
    this.moved()
    const { pending } = taken
    taken.pending = null
    if (pending !== null) this.toUpstream(pending)
    if (first !== null && !this.read(first.length, first)) this.dialled.socket.pause()
    if (taken.inputEnded) this.clientEnd()
    else if (!this.up.stopped) client.resume()
  }

  read(length: number, buffer: Buffer): boolean {
    if (this.finished) return false
    const { client, exchange } = this
    this.moved()
    if (exchange.firstByteAt === 0) exchange.firstByteAt = this.services.world.now()
    exchange.bytesOut += length
    const { own } = this
    const lent = own !== null && buffer === own
    client.write(lent || this.dialled.secured ? buffer.subarray(0, length) : Buffer.from(buffer.subarray(0, length)))
    // Memory that is read into again may be so only when all that was written from it has left.
    if (client.writableLength > (lent ? 0 : AHEAD_BYTES)) this.down.waitForSink()
    if (lent) {
      if (length < WORTH_BYTES && client.writableLength === 0) this.giveBack()
    } else if (length === buffer.length && !this.dialled.secured) {
      // More is there than one read holds: from now on it is read into memory that nothing is copied from.
      this.own = this.services.relayBuffers.take()
    }
    const pauseMs = exchange.meter?.moved(length, 'down') ?? 0
    if (pauseMs > 0) this.down.rest(pauseMs)
    return !this.down.stopped
  }

  nextBuffer(): Buffer | null {
    return this.own
  }

  ended(): void {
    this.upstreamEnded = true
    if (this.own !== null) this.giveBack()
    this.client.end()
  }

  failed(error: Error): void {
    this.cut(new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel', cause: error }))
  }

  closed(): void {
    this.upstreamClosed = true
    if (!this.clientEnded || !this.upstreamEnded) this.cut(new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel' }))
    else this.settle()
  }

  /** Neither side is to take what it got for complete: plain TCP is reset. */
  cut(error: TurnpikeError): void {
    if (this.finished) return
    this.exchange.error ??= error
    cutSocket(this.client, this.exchange.session.tls !== null)
    cutSocket(this.dialled.socket, this.dialled.secured)
    this.finish()
  }

  private readonly toUpstream = (chunk: Buffer): void => {
    if (this.finished) return
    const { exchange, up } = this
    const { socket } = this.dialled
    this.moved()
    exchange.bytesIn += chunk.length
    if (this.onlooker !== null && !this.onlooker.saw(chunk)) this.onlooker = null
    socket.write(chunk)
    if (socket.writableLength === 0) freePiece(chunk)
    else if (socket.writableLength > AHEAD_BYTES) up.waitForSink()
    const pauseMs = exchange.meter?.moved(chunk.length, 'up') ?? 0
    if (pauseMs > 0) up.rest(pauseMs)
    if (up.stopped) this.client.pause()
  }

  private readonly clientEnd = (): void => {
    this.clientEnded = true
    this.dialled.socket.end()
  }

  private readonly clientFailed = (): void => {
    this.cut(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' }))
  }

  private readonly clientClose = (): void => {
    this.clientClosed = true
    if (!this.clientEnded || !this.upstreamEnded) this.clientFailed()
    else this.settle()
  }

  /** Both ended, and what was written has left. */
  private settle(): void {
    if (this.clientClosed && this.upstreamClosed) this.finish()
  }

  private readonly resumed = (): void => {
    if (!this.finished) this.moved()
  }

  private stalled(): void {
    this.cut(new TurnpikeError('ERR_STALL_TIMEOUT', { phase: 'tunnel' }))
  }

  private moved(): void {
    this.services.timers.set(this.deadline, 'stall', this.services.world.now(), this.stallMs)
  }

  private giveBack(): void {
    this.services.relayBuffers.release(this.own!, this.client.writableLength === 0)
    this.own = null
  }

  private finish(): void {
    if (this.finished) return
    this.finished = true
    const { services } = this
    services.timers.remove(this.deadline)
    this.up.close()
    this.down.close()
    if (this.own !== null) this.giveBack()
    services.ledger.strike('tunnels')
    this.over?.()
    this.taken.done()
  }
}
