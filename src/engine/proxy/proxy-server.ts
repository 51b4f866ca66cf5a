import { HttpServer, type HttpServerOptions } from '../http1/http-server.ts'
import type { EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'
import type { Socket } from '../world.ts'
import type { ConnectionServer } from './connection-server.ts'
import type { ProxyDoor } from './proxy-door.ts'

export interface ProxyServerOptions {
  /** How connections say where they want to go. */
  mode: 'proxy' | 'sni' | 'redirect' | 'tproxy'
  /** Port that `sni` leads to. */
  targetPort: number
  /** TLS to the proxy itself, beside plain text; null where it is not spoken. Of the moment. */
  tls: { security: DownstreamSecurity; handshakeMs: number } | null
  /** For clients that speak HTTP. */
  http: HttpServerOptions
}

/** The connections of one listener of a proxy: which protocol each of them speaks, its first bytes say. */
export class ProxyServer implements ConnectionServer {
  private readonly door: ProxyDoor
  private readonly http: HttpServer
  private options: ProxyServerOptions

  constructor(services: EngineServices, door: ProxyDoor, options: ProxyServerOptions) {
    this.door = door
    this.options = options
    this.http = new HttpServer(services, door, options.http)
  }

  /** Takes other options for the connections from here on; those that are open keep theirs. */
  configure(options: ProxyServerOptions): void {
    this.options = options
    this.http.configure(options.http)
  }

  get size(): number {
    return this.http.size
  }

  accept(socket: Socket, session: Session): void {
    const refusal = this.door.refusalOf(session)
    if (refusal !== null || this.options.mode !== 'proxy') socket.destroy()
    else this.http.accept(socket, session)
  }

  announceEnd(): void {
    this.http.announceEnd()
  }

  drain(done: () => void): void {
    this.http.drain(done)
  }

  cut(): number {
    return this.http.cut()
  }
}
