import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import { Http1ServerConnection, type Http1ServerOptions } from './http1-server-connection.ts'
import { Http2ServerConnection, type Http2ServerOptions } from '../http2/http2-server-connection.ts'
import { UndecidedConnection } from '../http2/undecided-connection.ts'
import { ParserShelf } from './parser-shelf.ts'
import type { ConnectionServer } from '../listen/connection-server.ts'
import { ConnectionSet } from '../listen/connection-set.ts'
import type { OpenConnection } from '../listen/open-connection.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import { putBack } from '../put-back.ts'
import type { Socket } from '../world.ts'

export interface HttpServerOptions extends Omit<Http1ServerOptions, 'closed' | 'parsers'> {
  limits: HeadLimits
  /** HTTP/2 by prior knowledge beside HTTP/1 on plain connections; over TLS, ALPN has decided. Default: false. */
  http2?: boolean
}

type ConnectionOptions = Omit<Http1ServerOptions & Http2ServerOptions, 'closed'> & {
  http2: boolean
  closed(connection: OpenConnection): void
}

/** The HTTP connections of one listener. */
export class HttpServer implements ConnectionServer {
  private readonly connections = new ConnectionSet()
  private readonly services: EngineServices
  private options: ConnectionOptions
  private readonly door: Door
  private ending = false

  constructor(services: EngineServices, door: Door, options: HttpServerOptions) {
    this.services = services
    this.door = door
    this.options = this.complete(options)
  }

  /** Takes other options for the connections from here on; those that are open keep theirs. */
  configure(options: HttpServerOptions): void {
    this.options = this.complete(options)
  }

  get size(): number {
    return this.connections.size
  }

  /** Serves a connection until it is over. `first` was read of it already. */
  accept(socket: Socket, session: Session, first: Buffer | null = null): void {
    const { options, services } = this
    if (session.tls !== null) this.serve(socket, session, session.tls.alpn === 'h2', first)
    else if (!options.http2) this.serve(socket, session, false, first)
    else {
      if (first !== null) putBack(socket, first)
      const undecided = new UndecidedConnection(socket, services, options.timeouts.headMs, {
        decided: (protocol) => {
          this.serve(socket, session, protocol === 'http/2', null)
          options.closed(undecided)
        },
        closed: () => options.closed(undecided),
      })
      this.add(undecided)
    }
  }

  private serve(socket: Socket, session: Session, isHttp2: boolean, first: Buffer | null): void {
    if (isHttp2) {
      if (first !== null) putBack(socket, first)
      return this.add(new Http2ServerConnection(socket, session, this.door, this.services, this.options))
    }
    const connection = new Http1ServerConnection(socket, session, this.door, this.services, this.options)
    this.add(connection)
    if (first !== null) connection.received(first)
  }

  /** The next reply on each HTTP/1 connection says that it closes with it. */
  announceEnd(): void {
    this.ending = true
    for (const connection of this.connections) endAfterReply(connection)
  }

  private add(connection: OpenConnection): void {
    if (this.ending) endAfterReply(connection)
    this.connections.add(connection)
  }

  /** Closes idle connections, and the others after the reply they are at. Calls back when none is left. */
  drain(done: () => void): void {
    this.connections.drain(done)
  }

  /** Cuts what is left; says how many that were. */
  cut(): number {
    return this.connections.cut()
  }

  private complete(options: HttpServerOptions): ConnectionOptions {
    return {
      ...options,
      http2: options.http2 ?? false,
      parsers: new ParserShelf(options.limits),
      closed: (connection: OpenConnection) => this.connections.remove(connection),
    }
  }
}

function endAfterReply(connection: OpenConnection): void {
  if (connection instanceof Http1ServerConnection) connection.keepAlive = false
}
