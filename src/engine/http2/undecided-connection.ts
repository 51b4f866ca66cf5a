import { putBack } from '../put-back.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'

/** RFC 9113 §3.4: no HTTP/1 request begins so. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface UndecidedEvents {
  /** What the client speaks; every byte of it was put back. */
  decided(protocol: 'http/1' | 'http/2'): void
  /** The connection ended before it said anything of use. */
  closed(): void
}

/** A plain connection until its first bytes show which HTTP it speaks: by prior knowledge, HTTP/2. */
export class UndecidedConnection {
  private readonly socket: Socket
  private readonly services: EngineServices
  private readonly events: UndecidedEvents
  private readonly deadline: Deadline
  private bytes: Buffer = Buffer.alloc(0)
  private over = false

  constructor(socket: Socket, services: EngineServices, headMs: number, events: UndecidedEvents) {
    this.socket = socket
    this.services = services
    this.events = events
    this.deadline = new Deadline(() => socket.destroy())
    services.timers.set(this.deadline, 'head', services.world.now(), headMs)
    socket.on('data', this.read)
    socket.on('end', this.ended)
    socket.on('close', this.gone)
    socket.resume()
  }

  /** Nothing is being served yet. */
  drain(): void {
    this.socket.destroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  private readonly read = (chunk: Buffer): void => {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk])
    const { bytes } = this
    const length = Math.min(bytes.length, preface.length)
    if (!bytes.subarray(0, length).equals(preface.subarray(0, length))) this.decide('http/1')
    else if (length === preface.length) this.decide('http/2')
  }

  private readonly ended = (): void => {
    this.socket.destroy()
  }

  private readonly gone = (): void => {
    if (this.finish()) this.events.closed()
  }

  private decide(protocol: 'http/1' | 'http/2'): void {
    if (!this.finish()) return
    putBack(this.socket, this.bytes)
    this.events.decided(protocol)
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    const { socket } = this
    socket.off('data', this.read)
    socket.off('end', this.ended)
    socket.off('close', this.gone)
    this.services.timers.remove(this.deadline)
    return true
  }
}
