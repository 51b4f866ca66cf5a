import { TurnpikeError } from '../../core/error.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { TakenConnection } from '../client-port.ts'
import { cutSocket } from './cut-socket.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import type { Exchange, OpenTunnel } from '../exchange.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'

const EMPTY = Buffer.alloc(0)

/** Bytes both ways between a client and an endpoint, after a 101. Each side's end travels on its own. */
export class Tunnel implements StreamEvents, OpenTunnel {
  private readonly taken: TakenConnection
  private readonly client: Socket
  private readonly dialled: Dialled
  private readonly exchange: Exchange
  private readonly watcher: AttemptWatcher
  private readonly services: EngineServices
  private readonly stallMs: number
  private readonly stable: boolean
  private readonly deadline: Deadline
  private own: Buffer | null = null
  private clientEnded = false
  private upstreamEnded = false
  private over = false

  constructor(
    taken: TakenConnection,
    dialled: Dialled,
    exchange: Exchange,
    watcher: AttemptWatcher,
    services: EngineServices,
    stallMs: number,
    stable: boolean,
  ) {
    this.taken = taken
    this.client = taken.socket
    this.dialled = dialled
    this.exchange = exchange
    this.watcher = watcher
    this.services = services
    this.stallMs = stallMs
    this.stable = stable
    this.deadline = new Deadline(() => this.close(new TurnpikeError('ERR_STALL_TIMEOUT', { phase: 'tunnel' })))
  }

  /** Starts relaying; `first` are the bytes that came with the 101. */
  open(first: Buffer | null): void {
    const { client, dialled, services } = this
    services.ledger.enter('tunnels')
    this.exchange.tunnel = this
    if (!this.stable) this.own = services.readBuffers.take()
    dialled.attach(this)
    client.on('data', (chunk) => this.toUpstream(chunk))
    client.on('end', () => this.clientEnd())
    client.on('error', () => this.close(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' })))
    client.on('close', () =>
      this.close(this.clientEnded ? null : new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' })),
    )
    this.moved()
    if (this.taken.pending !== null) this.toUpstream(this.taken.pending)
    if (first !== null) {
      this.exchange.bytesOut += first.length
      client.write(first)
    }
    if (this.taken.inputEnded) this.clientEnd()
    else if (client.writableLength === 0) client.resume()
  }

  read(length: number, buffer: Buffer): boolean {
    const { client } = this
    this.moved()
    this.exchange.bytesOut += length
    const owned = this.stable || buffer === this.own
    client.write(owned ? buffer.subarray(0, length) : Buffer.from(buffer.subarray(0, length)))
    if (client.writableLength === 0) return true
    client.write(EMPTY, () => this.resumeUpstream())
    return false
  }

  nextBuffer(): Buffer | null {
    return this.own
  }

  ended(): void {
    this.upstreamEnded = true
    this.client.end()
    this.settle()
  }

  failed(error: Error): void {
    this.close(new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel', cause: error }))
  }

  closed(): void {
    this.close(this.upstreamEnded ? null : new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel' }))
  }

  cut(error: TurnpikeError): void {
    this.close(error)
  }

  private toUpstream(chunk: Buffer): void {
    if (this.over) return
    this.moved()
    this.exchange.bytesIn += chunk.length
    const { socket } = this.dialled
    socket.write(chunk)
    if (socket.writableLength === 0) return
    this.client.pause()
    socket.write(EMPTY, () => {
      this.moved()
      if (!this.over) this.client.resume()
    })
  }

  private resumeUpstream(): void {
    if (this.over) return
    this.moved()
    this.dialled.socket.resume()
  }

  private clientEnd(): void {
    this.clientEnded = true
    this.dialled.socket.end()
    this.settle()
  }

  private settle(): void {
    if (this.clientEnded && this.upstreamEnded) this.close(null)
  }

  private moved(): void {
    if (!this.over) this.services.timers.set(this.deadline, 'stall', this.services.world.now(), this.stallMs)
  }

  private close(error: TurnpikeError | null): void {
    if (this.over) return
    this.over = true
    const { client, dialled, services } = this
    services.timers.remove(this.deadline)
    if (error !== null) this.exchange.error ??= error
    // Both ended: what was written still leaves. Else the other side must not take what it got for complete.
    if (error !== null) {
      cutSocket(client, this.exchange.session.tls !== null)
      cutSocket(dialled.socket, this.stable)
    }
    if (this.own !== null && client.writableLength === 0) services.readBuffers.give(this.own)
    this.own = null
    services.ledger.strike('tunnels')
    this.watcher.attemptEnded(this.exchange, null)
    this.taken.done()
  }
}
