import { TurnpikeError } from '../../../core/error.ts'
import type { TakenConnection } from '../../../engine/client-port.ts'
import type { Dialled, StreamEvents } from '../../../engine/dial/dialled.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { Deadline } from '../../../engine/timers.ts'
import { ClientHelloReader, type ClientHello } from '../../../wire/client-hello.ts'

export interface HelloWaitEvents {
  /**
   * The client's first words are known; null where they are no ClientHello, did not come in time, or where the target
   * spoke first: `first` is what it said. `taken.pending` has every byte of the client's, and its socket is paused.
   */
  heard(hello: ClientHello | null, first: Buffer | null): void
  failed(error: TurnpikeError): void
}

/** A tunnel that stands and passes nothing on, until its ClientHello is there (T1). */
export class HelloWait implements StreamEvents {
  private readonly taken: TakenConnection
  private readonly dialled: Dialled
  private readonly services: EngineServices
  private readonly events: HelloWaitEvents
  private readonly reader = new ClientHelloReader()
  private readonly deadline = new Deadline(() => this.settle(null))
  /** No more than a hello of 16 KiB in the smallest of records. */
  private readonly chunks: Buffer[] = []
  private over = false

  constructor(taken: TakenConnection, dialled: Dialled, services: EngineServices, events: HelloWaitEvents) {
    this.taken = taken
    this.dialled = dialled
    this.services = services
    this.events = events
  }

  start(waitMs: number): void {
    const { taken, services, dialled } = this
    const { socket, pending, inputEnded } = taken
    dialled.attach(this)
    services.timers.set(this.deadline, 'head', services.world.now(), waitMs)
    socket.on('data', this.received)
    socket.on('end', this.clientEnded)
    socket.on('error', this.clientLost)
    socket.on('close', this.clientLost)
    if (pending !== null) this.received(pending)
    if (this.over) return
    if (inputEnded) this.settle(null)
    else socket.resume()
  }

  /** Nobody hears of it any more; the client is paused. */
  stop(): void {
    this.over = true
    const { socket } = this.taken
    socket.pause()
    socket.off('data', this.received)
    socket.off('end', this.clientEnded)
    socket.off('error', this.clientLost)
    socket.off('close', this.clientLost)
    this.services.timers.remove(this.deadline)
  }

  /** A target that speaks first (SSH, SMTP) is not spoken to in TLS. */
  read(length: number, buffer: Buffer): boolean {
    this.settle(null, Buffer.from(buffer.subarray(0, length)))
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    this.fail(new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel' }))
  }

  failed(cause: Error): void {
    this.fail(new TurnpikeError('ERR_UPSTREAM_ABORT', { phase: 'tunnel', cause }))
  }

  closed(): void {
    this.ended()
  }

  private readonly received = (chunk: Buffer): void => {
    this.chunks.push(chunk)
    const result = this.reader.read(chunk)
    if (result !== 'more') this.settle(result === 'other' ? null : result)
  }

  private readonly clientEnded = (): void => {
    this.taken.inputEnded = true
    this.settle(null)
  }

  private readonly clientLost = (): void => {
    this.fail(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' }))
  }

  private settle(hello: ClientHello | null, first: Buffer | null = null): void {
    if (this.over) return
    this.stop()
    this.taken.pending = this.chunks.length === 0 ? null : Buffer.concat(this.chunks)
    this.events.heard(hello, first)
  }

  private fail(error: TurnpikeError): void {
    if (this.over) return
    this.stop()
    this.events.failed(error)
  }
}
