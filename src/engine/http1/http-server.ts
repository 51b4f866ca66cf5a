import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import { Http1ServerConnection, type Http1ServerOptions } from './http1-server-connection.ts'
import { ParserShelf } from './parser-shelf.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import type { Socket } from '../world.ts'

export interface HttpServerOptions extends Omit<Http1ServerOptions, 'closed' | 'parsers'> {
  limits: HeadLimits
}

/** The HTTP connections of one listener. */
export class HttpServer {
  private readonly connections = new Set<Http1ServerConnection>()
  private readonly services: EngineServices
  private options: Http1ServerOptions
  private readonly door: Door
  private draining = false
  private wasCut = false
  private drained: (() => void) | null = null

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

  /** Serves a connection until it is over. */
  accept(socket: Socket, session: Session): void {
    const connection = new Http1ServerConnection(socket, session, this.door, this.services, this.options)
    this.connections.add(connection)
    if (this.draining) connection.drain()
  }

  /** Closes idle connections, and the others after the reply they are at. Calls back when none is left. */
  drain(done: () => void): void {
    this.draining = true
    this.drained = done
    for (const connection of this.connections) connection.drain()
    if (this.connections.size === 0) done()
  }

  /** Cuts what is left; says how many that were. */
  cut(): number {
    // Those that were cut before are still here until they are closed.
    const size = this.wasCut ? 0 : this.connections.size
    this.wasCut = true
    for (const connection of this.connections) connection.destroy()
    return size
  }

  private complete(options: HttpServerOptions): Http1ServerOptions {
    return {
      ...options,
      parsers: new ParserShelf(options.limits),
      closed: (connection) => {
        this.connections.delete(connection)
        if (this.connections.size === 0) this.drained?.()
      },
    }
  }
}
