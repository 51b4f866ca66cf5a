import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'
import type { OpenConnection } from '../listen/open-connection.ts'

/** What a connection's first byte says that the client speaks. */
export type Spoken = 'http' | 'socks4' | 'socks5' | 'tls'

export interface FirstBytesEvents {
  /** `first` is what came, to its first byte; the socket goes on being read. */
  spoken(protocol: Spoken, first: Buffer): void
  /** It ended without a byte. */
  closed(): void
}

/** A connection until its first byte is there. */
export class FirstBytes implements OpenConnection {
  private readonly socket: Socket
  private readonly services: EngineServices
  private readonly events: FirstBytesEvents
  private readonly deadline: Deadline

  constructor(socket: Socket, services: EngineServices, headMs: number, events: FirstBytesEvents) {
    this.socket = socket
    this.services = services
    this.events = events
    this.deadline = new Deadline(() => socket.destroy())
    services.timers.set(this.deadline, 'head', services.world.now(), headMs)
    socket.on('data', this.received)
    socket.on('end', this.destroy)
    socket.on('error', this.destroy)
    socket.on('close', this.gone)
    socket.resume()
  }

  drain(): void {
    this.socket.destroy()
  }

  readonly destroy = (): void => {
    this.socket.destroy()
  }

  private readonly received = (chunk: Buffer): void => {
    this.leave()
    this.events.spoken(protocolOf(chunk[0]!), chunk)
  }

  private readonly gone = (): void => {
    this.leave()
    this.events.closed()
  }

  private leave(): void {
    const { socket } = this
    socket.off('data', this.received)
    socket.off('end', this.destroy)
    socket.off('error', this.destroy)
    socket.off('close', this.gone)
    this.services.timers.remove(this.deadline)
  }
}

/** A TLS handshake record, a version of SOCKS; all else is HTTP's to refuse, whose requests begin with a letter. */
function protocolOf(byte: number): Spoken {
  if (byte === 0x16) return 'tls'
  return byte === 4 ? 'socks4' : byte === 5 ? 'socks5' : 'http'
}
