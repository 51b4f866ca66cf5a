import { HttpServer, type HttpServerOptions } from '../http1/http-server.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import type { Socket } from '../world.ts'
import { ConnectionSet } from '../listen/connection-set.ts'
import type { ConnectionServer } from '../listen/connection-server.ts'
import { TlsEntrance } from './tls-entrance.ts'

export interface GatewayServerOptions {
  http: HttpServerOptions
  /** Which connections are TLS that is passed on as it is: `unsecured` are those that the listener shook no hands with. */
  streams: 'none' | 'unsecured' | 'all'
  /** Port that their exchanges are shown to go to. */
  targetPort: number
}

/** The connections of one listener of a gateway: HTTP, and streams of TLS that is not ended here. */
export class GatewayServer implements ConnectionServer {
  private readonly services: EngineServices
  private readonly door: Door
  private readonly http: HttpServer
  private readonly streams = new ConnectionSet()
  private options: GatewayServerOptions

  constructor(services: EngineServices, door: Door, options: GatewayServerOptions) {
    this.services = services
    this.door = door
    this.options = options
    this.http = new HttpServer(services, door, options.http)
  }

  /** Takes other options for the connections from here on; those that are open keep theirs. */
  configure(options: GatewayServerOptions): void {
    this.options = options
    this.http.configure(options.http)
  }

  get size(): number {
    return this.streams.size + this.http.size
  }

  accept(socket: Socket, session: Session): void {
    const { streams, targetPort, http } = this.options
    if (streams === 'none' || (streams === 'unsecured' && session.tls !== null)) {
      this.http.accept(socket, session)
      return
    }
    const options = {
      targetPort,
      headMs: http.timeouts.headMs,
      closed: (connection: TlsEntrance) => this.streams.remove(connection),
    }
    this.streams.add(new TlsEntrance(socket, session, this.door, this.services, options))
  }

  announceEnd(): void {
    this.http.announceEnd()
  }

  drain(done: () => void): void {
    const drained = (): void => {
      if (this.size === 0) done()
    }
    this.http.drain(drained)
    this.streams.drain(drained)
  }

  cut(): number {
    return this.http.cut() + this.streams.cut()
  }
}
