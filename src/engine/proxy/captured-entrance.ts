import { TurnpikeError } from '../../core/error.ts'
import { ClientHelloReader, type ClientHello } from '../../wire/client-hello.ts'
import type { Door, EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'
import type { OpenConnection } from '../listen/open-connection.ts'
import { RawClient, type RawClientEvents } from './raw-client.ts'

export interface CapturedEntranceOptions {
  /** For the whole ClientHello (T1), and for as much of a request as shows that it is one. */
  headMs: number
  /** It speaks HTTP: the socket is paused, with every byte put back. */
  http(socket: Socket): void
  /** Called once, when the connection is over, its tunnel included, or was handed on. */
  closed(connection: CapturedEntrance): void
}

/** Who waits for its server to speak first, as mail and SSH do, is let through after so long. */
const SILENCE_MS = 1_000
const HANDSHAKE = 0x16
/** RFC 9110 §9.1: a method, and what of a target says that it is one. `PRI` begins HTTP/2, which is tunnelled. */
const requestStart = /^(?!PRI )[A-Z]{3,20} (?:\/|\*|https?:\/\/|[A-Za-z0-9.[\]:-]+:\d)/
const requestPrefix = /^[A-Z]{0,20}(?:$| [A-Za-z0-9.[\]:/-]{0,300}$)/

/**
 * A connection that the system captured on its way (`mode: redirect` and `tproxy`): the session's local end is where it
 * was going. TLS asks for a tunnel there, under the name in its ClientHello; HTTP is served; all else is a tunnel.
 */
export class CapturedEntrance implements OpenConnection, RawClientEvents {
  private readonly socket: Socket
  private readonly session: Session
  private readonly door: Door
  private readonly services: EngineServices
  private readonly options: CapturedEntranceOptions
  private readonly client: RawClient
  private readonly reader = new ClientHelloReader()
  private readonly deadline = new Deadline(() => this.late())
  /** What came, as far as it is no TLS. */
  private start = ''
  private isTls = false

  /** The socket is paused, and nothing of it was read. */
  constructor(
    socket: Socket,
    session: Session,
    door: Door,
    services: EngineServices,
    options: CapturedEntranceOptions,
  ) {
    this.socket = socket
    this.session = session
    this.door = door
    this.services = services
    this.options = options
    this.within(Math.min(SILENCE_MS, options.headMs))
    this.client = new RawClient(socket, services, this)
  }

  drain(): void {
    if (!this.client.asks) this.client.destroy()
  }

  destroy(): void {
    this.client.destroy()
  }

  read(chunk: Buffer): void {
    if (this.client.receivedBytes === chunk.length) {
      this.isTls = chunk[0] === HANDSHAKE
      this.within(this.options.headMs)
    }
    if (this.isTls) {
      const hello = this.reader.read(chunk)
      if (hello !== 'more') this.enter(hello === 'other' ? null : hello)
      return
    }
    this.start += chunk.toString('latin1', 0, 512)
    if (requestStart.test(this.start)) this.serveHttp()
    else if (!requestPrefix.test(this.start)) this.enter(null)
  }

  /** What it sent so far may be all that its server waits for. */
  ended(): void {
    if (this.client.receivedBytes === 0) this.client.destroy()
    else this.enter(null)
  }

  over(): void {
    this.services.timers.remove(this.deadline)
    this.options.closed(this)
  }

  private serveHttp(): void {
    this.services.timers.remove(this.deadline)
    this.client.release()
    this.options.http(this.socket)
    this.options.closed(this)
  }

  private enter(hello: ClientHello | null): void {
    const exchange = this.ask(hello)
    try {
      this.door.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private ask(hello: ClientHello | null) {
    this.services.timers.remove(this.deadline)
    const { session, client } = this
    const { localAddress: address, localPort: port } = session
    const host = hello === null || hello.sni === '' ? address : hello.sni
    const protocol = hello === null ? 'TCP' : 'TLS'
    return client.ask(session, { kind: 'captured', host, port, address, hello }, hello, protocol)
  }

  private within(ms: number): void {
    this.services.timers.set(this.deadline, 'head', this.services.world.now(), ms)
  }

  private late(): void {
    if (this.client.receivedBytes === 0) return this.enter(null)
    // What dribbles in would pass under no name otherwise.
    const message = `The ${this.isTls ? 'ClientHello' : 'request'} did not arrive in time (timer: head).`
    this.ask(null).fail(new TurnpikeError('ERR_HEAD_TIMEOUT', { message }))
  }
}
