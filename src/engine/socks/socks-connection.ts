import { canonicalHost } from '../../core/canonical-host.ts'
import { TurnpikeError } from '../../core/error.ts'
import { readSocks4Request, socks4Codes, socks4Commands, socks4Reply, SOCKS4 } from '../../wire/socks/socks4.ts'
import {
  readSocks5Greeting,
  readSocks5Login,
  readSocks5Request,
  SOCKS5,
  socks5Codes,
  socks5Commands,
  socks5Methods,
  socks5Reply,
  type Socks5Login,
} from '../../wire/socks/socks5.ts'
import { abortPhase } from '../abort-phase.ts'
import type { TakenConnection } from '../client-port.ts'
import { endExchange } from '../end-exchange.ts'
import { Exchange, type ReceivedRequest } from '../exchange.ts'
import { cutSocket } from '../http1/cut-socket.ts'
import { lingeringClose } from '../proxy/lingering-close.ts'
import type { OpenConnection } from '../listen/open-connection.ts'
import type { ProxyDoor } from '../proxy/proxy-door.ts'
import { tunnelRequest } from '../proxy/tunnel-request.ts'
import type { EngineServices } from '../services.ts'
import type { Session } from '../session.ts'
import { SocksReply, type SocksReplyOwner } from './socks-reply.ts'
import { Deadline } from '../timers.ts'
import type { Socket } from '../world.ts'

export interface SocksOptions {
  /** From the first byte until the request is complete. */
  headMs: number
  /** Called once, when the connection is over. */
  closed(connection: OpenConnection): void
}

/**
 * `greeting`, `login`, `request`: the next message of the client. `checking`: its password is. `active`: its request is
 * being seen to. `tunnel`: it was granted. `closing`: it was refused. `closed`: gone.
 */
type State = 'greeting' | 'login' | 'checking' | 'request' | 'active' | 'tunnel' | 'closing' | 'closed'

/** What is asked for, by either version. */
interface Asked {
  kind: 'socks4' | 'socks5' | 'udp'
  host: string
  port: number
}

/** What a client may send behind its request before that is granted. */
const AHEAD_BYTES = 64 * 1024
const NO_BYTES = Buffer.alloc(0)
const LOGGED_IN = Buffer.from([1, 0])
const NOT_LOGGED_IN = Buffer.from([1, 1])

/** One connection of a SOCKS client: one request, which is one exchange (RFC 1928, RFC 1929, SOCKS4 and 4A). */
export class SocksConnection implements OpenConnection, SocksReplyOwner {
  private readonly socket: Socket
  private readonly session: Session
  private readonly door: ProxyDoor
  private readonly services: EngineServices
  private readonly options: SocksOptions
  private readonly deadline = new Deadline(() => this.late())
  private state: State = 'greeting'
  private version: 4 | 5 = 5
  private reply: SocksReply | null = null
  private user = ''
  /** Received and not taken yet: never much more than one message, until the request is complete. */
  private pending: Buffer = NO_BYTES
  private inputEnded = false

  /** The first byte that the socket gives is the version: 4 or 5. */
  constructor(socket: Socket, session: Session, door: ProxyDoor, services: EngineServices, options: SocksOptions) {
    this.socket = socket
    this.session = session
    this.door = door
    this.services = services
    this.options = options
    services.timers.set(this.deadline, 'head', services.world.now(), options.headMs)
    socket.on('data', this.received)
    socket.on('end', this.ended)
    socket.on('error', this.failed)
    socket.on('close', this.gone)
    socket.resume()
  }

  drain(): void {
    if (this.reply === null) this.socket.destroy()
  }

  destroy(): void {
    if (this.reply === null) this.socket.destroy()
    else cutSocket(this.socket, this.session.tls !== null)
  }

  refused(reply: Buffer): void {
    this.close(reply)
  }

  granted(reply: Buffer): TakenConnection {
    const { socket, pending, inputEnded } = this
    this.state = 'tunnel'
    socket.pause()
    socket.off('data', this.received)
    socket.off('end', this.ended)
    socket.off('close', this.gone)
    this.pending = NO_BYTES
    socket.write(reply)
    return { socket, pending: pending.length === 0 ? null : pending, inputEnded, done: () => this.over() }
  }

  private readonly received = (chunk: Buffer): void => {
    const { state } = this
    if (state === 'closing' || state === 'closed') return
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk])
    if (state !== 'active' && state !== 'checking') this.read()
    else if (this.pending.length > AHEAD_BYTES) this.socket.pause()
  }

  /** Takes message after message, as far as they are complete (S1). */
  private read(): void {
    let more = true
    while (more && this.pending.length > 0) {
      if (this.state === 'greeting') more = this.pending[0] === SOCKS4 ? this.readSocks4() : this.readGreeting()
      else if (this.state === 'login') more = this.readLogin()
      else if (this.state === 'request') more = this.readRequest()
      else more = false
    }
  }

  private take(end: number): void {
    this.pending = this.pending.subarray(end)
  }

  private readGreeting(): boolean {
    const greeting = readSocks5Greeting(this.pending)
    if (greeting === 'more') return false
    if (greeting === 'other') return this.unreadable(null)
    this.take(greeting.end)
    const wanted = this.door.wantsLogin(this.session) ? socks5Methods.password : socks5Methods.none
    if (!greeting.methods.includes(wanted)) {
      this.refuse(
        wanted === socks5Methods.none
          ? new TurnpikeError('ERR_SOCKS', { message: 'The SOCKS client offers no way to go without a login.' })
          : new TurnpikeError('ERR_PROXY_AUTH'),
        Buffer.from([SOCKS5, socks5Methods.unacceptable]),
      )
      return false
    }
    this.state = wanted === socks5Methods.none ? 'request' : 'login'
    this.socket.write(Buffer.from([SOCKS5, wanted]))
    return true
  }

  private readLogin(): boolean {
    const login = readSocks5Login(this.pending)
    if (login === 'more') return false
    if (login === 'other') return this.unreadable(NOT_LOGGED_IN)
    this.take(login.end)
    this.state = 'checking'
    void this.check(login)
    return false
  }

  private async check({ username, password }: Socks5Login): Promise<void> {
    let user: string | null = null
    let error = new TurnpikeError('ERR_PROXY_AUTH')
    try {
      user = await this.door.login(this.session, username, password)
    } catch (thrown) {
      error = TurnpikeError.from(thrown, 'middleware')
    }
    if (this.state !== 'checking') return
    if (user === null) return this.refuse(error, NOT_LOGGED_IN)
    this.user = user
    this.state = 'request'
    this.socket.write(LOGGED_IN)
    this.read()
    if (this.inputEnded && this.state === 'request') this.socket.destroy()
  }

  private readRequest(): boolean {
    const request = readSocks5Request(this.pending)
    if (request === 'more') return false
    if (request === 'type') return this.unreadable(socks5Reply(socks5Codes.addressType, null))
    if (request === 'other') return this.unreadable(socks5Reply(socks5Codes.failed, null))
    this.take(request.end)
    const { command, host, port } = request
    const isUdp = command === socks5Commands.udpAssociate
    this.begin({ kind: isUdp ? 'udp' : 'socks5', host, port }, isUdp || command === socks5Commands.connect)
    return false
  }

  private readSocks4(): boolean {
    this.version = 4
    const request = readSocks4Request(this.pending)
    if (request === 'more') return false
    if (request === 'other') return this.unreadable(socks4Reply(socks4Codes.failed, null))
    this.take(request.end)
    // SOCKS4 has no password: who must log in cannot.
    if (this.door.wantsLogin(this.session))
      this.refuse(new TurnpikeError('ERR_PROXY_AUTH'), socks4Reply(socks4Codes.failed, null))
    else
      this.begin({ kind: 'socks4', host: request.host, port: request.port }, request.command === socks4Commands.connect)
    return false
  }

  private begin({ kind, host, port }: Asked, isKnown: boolean): void {
    const method = kind === 'udp' ? 'UDP' : 'CONNECT'
    const canonical = canonicalHost(host)
    const shown = canonical ?? printable(host)
    const exchange = this.open(tunnelRequest(method, { host: shown, port }, this.protocol(), this.session))
    exchange.user = this.user
    exchange.destination = { kind, host: shown, port, address: null, hello: null }
    try {
      if (!isKnown) throw new TurnpikeError('ERR_SOCKS_COMMAND')
      if (canonical === null)
        throw new TurnpikeError('ERR_SOCKS', { message: 'The host that SOCKS asks for is no host.' })
      this.door.handle(exchange)
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private open(request: ReceivedRequest): Exchange {
    const { services, session } = this
    const { world } = services
    services.timers.remove(this.deadline)
    this.state = 'active'
    const reply = new SocksReply(this.version, this)
    const exchange = new Exchange(session, reply, request, services.nextSequence(), world.now(), world.wallClock())
    reply.exchange = exchange
    this.reply = reply
    services.ledger.enter('exchanges')
    return exchange
  }

  private unreadable(answer: Buffer | null): false {
    this.refuse(new TurnpikeError('ERR_SOCKS'), answer)
    return false
  }

  /** Refuses what is no complete request; the log has it all the same. */
  private refuse(error: TurnpikeError, answer: Buffer | null): void {
    const exchange = this.open(tunnelRequest('', null, this.protocol(), this.session))
    exchange.error = error
    exchange.status = error.status
    this.close(answer)
  }

  private close(lastWords: Buffer | null): void {
    this.state = 'closing'
    this.pending = NO_BYTES
    this.finish()
    lingeringClose(this.socket, lastWords, this.services)
  }

  private protocol(): 'SOCKS4' | 'SOCKS5' {
    return this.version === 4 ? 'SOCKS4' : 'SOCKS5'
  }

  private late(): void {
    this.refuse(
      new TurnpikeError('ERR_HEAD_TIMEOUT', { message: 'The SOCKS request did not arrive in time (timer: head).' }),
      null,
    )
  }

  private readonly ended = (): void => {
    this.inputEnded = true
    // What was asked for is still to be had: its end travels on behind what the client sent (F4).
    if (this.state === 'greeting' || this.state === 'login' || this.state === 'request') this.socket.destroy()
  }

  private readonly failed = (): void => {
    this.socket.destroy()
  }

  private readonly gone = (): void => {
    const { reply } = this
    if (this.state === 'active' && reply !== null) {
      const { exchange, worker } = reply
      const error = new TurnpikeError('ERR_CLIENT_ABORT', { phase: abortPhase(exchange) })
      exchange.error ??= error
      if (exchange.status === 0) exchange.status = 499
      reply.worker = null
      worker?.clientGone(error)
    }
    this.over()
  }

  private finish(): void {
    const { reply } = this
    if (reply === null) return
    this.reply = null
    reply.close()
    endExchange(this.services, reply.exchange)
  }

  private over(): void {
    if (this.state === 'closed') return
    this.finish()
    this.state = 'closed'
    this.services.timers.remove(this.deadline)
    this.options.closed(this)
  }
}

/** What stands in logs for a host that is none. */
function printable(host: string): string {
  return host.replaceAll(/[^\x21-\x7e]/g, '?')
}
