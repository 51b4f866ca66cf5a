import { TurnpikeError } from '../../core/error.ts'
import { socks4Codes, socks4Reply } from '../../wire/socks/socks4.ts'
import { SOCKS5, socks5Methods } from '../../wire/socks/socks5.ts'
import { HttpServer, type HttpServerOptions } from '../http1/http-server.ts'
import { Arrival } from '../listen/arrival.ts'
import { refusalText } from '../listen/refusal.ts'
import type { EngineServices } from '../services.ts'
import { Session } from '../session.ts'
import { SocksConnection } from '../socks/socks-connection.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'
import { putBack } from '../put-back.ts'
import type { Socket } from '../world.ts'
import { ConnectionSet } from '../listen/connection-set.ts'
import { CapturedEntrance } from './captured-entrance.ts'
import type { ConnectionServer } from '../listen/connection-server.ts'
import { FirstBytes, type FirstBytesEvents, type Spoken } from './first-bytes.ts'
import { lingeringClose } from './lingering-close.ts'
import type { OpenConnection } from '../listen/open-connection.ts'
import type { ProxyDoor } from './proxy-door.ts'
import { TlsEntrance, type TlsEntranceOptions } from './tls-entrance.ts'

export interface ProxyServerOptions {
  /** How connections say where they want to go. */
  mode: 'proxy' | 'sni' | 'redirect' | 'tproxy'
  /** Port that `sni` leads to. */
  targetPort: number
  /** TLS to the proxy itself, beside plain text; null where it is not spoken. Of the moment. */
  tls: { security: DownstreamSecurity; handshakeMs: number } | null
  /** For clients that speak HTTP. */
  http: Omit<HttpServerOptions, 'security'>
}

type Refused = (error: TurnpikeError, peerAddress: string) => void

/** TLS 1.2's record of the fatal alert `handshake_failure` (RFC 8446 §6), which every version reads. */
const handshakeFailure = Buffer.from([0x15, 3, 1, 0, 2, 2, 40])

/** What clients of other protocols than HTTP are told before their connection is closed. */
const refusals: Readonly<Record<Exclude<Spoken, 'http'>, Buffer>> = {
  socks4: socks4Reply(socks4Codes.failed, null),
  socks5: Buffer.from([SOCKS5, socks5Methods.unacceptable]),
  tls: handshakeFailure,
}

/** The connections of one listener of a proxy: which protocol each of them speaks, its first byte says. */
export class ProxyServer implements ConnectionServer {
  private readonly services: EngineServices
  private readonly door: ProxyDoor
  private readonly http: HttpServer
  private readonly refused: Refused
  private options: ProxyServerOptions
  /** Those that do not speak HTTP, or not yet. */
  private readonly connections = new ConnectionSet()

  /** `refused` is told of connections that end before they ask for anything: turned away, or their handshake failed. */
  constructor(services: EngineServices, door: ProxyDoor, refused: Refused, options: ProxyServerOptions) {
    this.services = services
    this.door = door
    this.refused = refused
    this.options = options
    this.http = new HttpServer(services, door, this.forHttp(options))
  }

  /** Takes other options for the connections from here on; those that are open keep theirs. */
  configure(options: ProxyServerOptions): void {
    this.options = options
    this.http.configure(this.forHttp(options))
  }

  get size(): number {
    return this.connections.size + this.http.size
  }

  accept(socket: Socket, session: Session): void {
    const refusal = this.door.refusalOf(session)
    const { mode } = this.options
    if (refusal !== null) {
      this.turnAway(socket, session, refusal)
      return
    }
    socket.on('close', () => this.door.closed(session))
    if (mode === 'proxy') this.read(socket, (protocol, first) => this.serve(protocol, socket, session, first))
    else if (mode === 'sni')
      this.connections.add(new TlsEntrance(socket, session, this.door, this.services, this.entranceOptions()))
    else this.takeCaptured(socket, session, mode)
  }

  announceEnd(): void {
    this.http.announceEnd()
  }

  drain(done: () => void): void {
    const drained = (): void => {
      if (this.size === 0) done()
    }
    this.http.drain(drained)
    this.connections.drain(drained)
  }

  cut(): number {
    return this.connections.cut() + this.http.cut()
  }

  private read(socket: Socket, spoken: FirstBytesEvents['spoken']): void {
    const first: FirstBytes = new FirstBytes(socket, this.services, this.options.http.timeouts.headMs, {
      spoken: (protocol, bytes) => {
        spoken(protocol, bytes)
        this.connections.remove(first)
      },
      closed: () => this.connections.remove(first),
    })
    this.connections.add(first)
  }

  private takeCaptured(socket: Socket, session: Session, mode: 'redirect' | 'tproxy'): void {
    let captured: Session
    try {
      captured = mode === 'tproxy' ? session : redirected(session, this.services.world.originalDestination(socket))
    } catch (thrown) {
      this.refused(TurnpikeError.from(thrown, 'accept'), session.peerAddress)
      socket.destroy()
      return
    }
    const { http } = this.options
    this.connections.add(
      new CapturedEntrance(socket, captured, this.door, this.services, {
        headMs: http.timeouts.headMs,
        http: () => this.http.accept(socket, captured),
        closed: (connection) => this.connections.remove(connection),
      }),
    )
  }

  private serve(protocol: Spoken, socket: Socket, session: Session, first: Buffer): void {
    // What nearly all speak: nothing is put back only to be read again.
    if (protocol === 'http') return this.http.accept(socket, session, first)
    putBack(socket, first)
    if (protocol === 'tls') this.secure(socket, session)
    else this.connections.add(new SocksConnection(socket, session, this.door, this.services, this.entranceOptions()))
  }

  private entranceOptions(): TlsEntranceOptions {
    const { targetPort, http } = this.options
    return { targetPort, headMs: http.timeouts.headMs, closed: (connection) => this.connections.remove(connection) }
  }

  /** The hosts that clients ask for are others than this proxy: any of its certificates will do for them (H26). */
  private forHttp({ http }: ProxyServerOptions): HttpServerOptions {
    const security = (): ReturnType<HttpServerOptions['security']> => {
      const { tls } = this.options
      return tls === null ? null : { settings: tls.security.settings, serves: () => true }
    }
    return { ...http, security }
  }

  /** TLS to the proxy itself; what is within it, its own first byte says. */
  private secure(socket: Socket, session: Session): void {
    const { tls } = this.options
    if (tls === null || session.tls !== null) return this.close(socket, handshakeFailure)
    const { world, timers: wheel, ledger } = this.services
    const closing = new OpenSocket(socket)
    const settings = { connections: Infinity, proxyProtocol: null, tls }
    const arrival = new Arrival(
      socket,
      factsOf(session),
      settings,
      { world, wheel, ledger },
      {
        arrived: (secured, within) => {
          if (within.tls?.alpn === 'h2') this.http.accept(secured, within)
          else this.read(secured, (protocol, first) => this.serve(protocol, secured, within, first))
          this.connections.remove(closing)
        },
        failed: (error) => {
          this.refused(error, session.peerAddress)
          this.connections.remove(closing)
        },
      },
    )
    this.connections.add(closing)
    arrival.start()
  }

  /** As each protocol has it; clients that speak HTTP are told why. */
  private turnAway(socket: Socket, session: Session, error: TurnpikeError): void {
    this.refused(error, session.peerAddress)
    this.read(socket, (protocol) => {
      this.close(socket, protocol === 'http' ? this.refusalPage(error) : refusals[protocol])
    })
  }

  private refusalPage(error: TurnpikeError): Buffer {
    const { pseudonym, clock } = this.services
    return Buffer.from(refusalText(error, pseudonym, clock.date), 'latin1')
  }

  private close(socket: Socket, lastWords: Buffer): void {
    const closing = new OpenSocket(socket)
    this.connections.add(closing)
    socket.on('close', () => this.connections.remove(closing))
    lingeringClose(socket, lastWords, this.services)
  }
}

/** A connection in which nothing is being served. */
class OpenSocket implements OpenConnection {
  private readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
  }

  drain(): void {
    this.socket.destroy()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

function factsOf(session: Session): ConstructorParameters<typeof Session>[0] {
  const { listener, clientAddress, clientPort, peerAddress, localAddress, localPort } = session
  return { listener, clientAddress, clientPort, peerAddress, localAddress, localPort, tls: null }
}

/** Its local end is where it was going. Throws ERR_ORIGINAL_DESTINATION for one that came here by itself: it would go round for ever. */
function redirected(session: Session, { address, port }: { address: string; port: number }): Session {
  if (address === session.localAddress && port === session.localPort)
    throw new TurnpikeError('ERR_ORIGINAL_DESTINATION')
  return new Session({ ...factsOf(session), localAddress: address, localPort: port })
}
