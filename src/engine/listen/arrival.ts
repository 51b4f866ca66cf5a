import { TurnpikeError } from '../../core/error.ts'
import type { ListenerContext } from './listener.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { clientOf, unixPeer } from './peer-facts.ts'
import { takeProxyHeader } from './proxy-protocol-in.ts'
import { Session, type SessionFacts } from '../session.ts'
import { peekClientHello } from '../tls/client-hello-peek.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'
import type { Socket } from '../world.ts'

/** At most one of the two is called, once. */
export interface ArrivalEvents {
  arrived(socket: Socket, session: Session): void
  failed(error: TurnpikeError): void
}

/** One accepted connection until it can be handed over: PROXY protocol header first, then TLS. */
export class Arrival {
  private readonly socket: Socket
  private readonly facts: SessionFacts
  private readonly settings: ListenerSettings
  private readonly context: ListenerContext
  private readonly events: ArrivalEvents
  private readonly deadline = new Deadline((name) => this.late(name))
  private over = false

  constructor(
    socket: Socket,
    facts: SessionFacts,
    settings: ListenerSettings,
    context: ListenerContext,
    events: ArrivalEvents,
  ) {
    this.socket = socket
    this.facts = facts
    this.settings = settings
    this.context = context
    this.events = events
  }

  start(): void {
    this.socket.on('close', this.closed)
    const { proxyProtocol } = this.settings
    const { peerAddress } = this.facts
    // What others send in its place fails as HTTP.
    if (proxyProtocol === null || !(peerAddress === unixPeer || proxyProtocol.from.has(peerAddress)))
      return this.secure()
    this.within('head', proxyProtocol.headerMs)
    takeProxyHeader(this.socket, {
      taken: ({ source }) => {
        Object.assign(this.facts, clientOf(source))
        this.secure()
      },
      failed: (error) => this.fail(error),
    })
  }

  /** Ends the connection; nothing is called any more. */
  abandon(): void {
    if (this.over) return
    this.finish()
    this.socket.destroy()
  }

  private secure(): void {
    const { tls } = this.settings
    if (tls === null) return this.arrive(this.socket)
    this.within('tls', tls.handshakeMs)
    const { passes } = tls
    if (passes === undefined) return this.handshake(tls.security)
    peekClientHello(this.socket, (hello) => {
      if (hello !== null && passes(hello.sni)) this.arrive(this.socket)
      else this.handshake(tls.security)
    })
  }

  private handshake(security: DownstreamSecurity): void {
    security.secure(this.socket, {
      secured: (socket, facts) => {
        this.facts.tls = facts
        this.arrive(socket)
      },
      failed: (error) => this.fail(error),
    })
  }

  private within(name: TimerName, ms: number): void {
    this.context.wheel.set(this.deadline, name, this.context.world.now(), ms)
  }

  private late(name: TimerName): void {
    const [code, what] = name === 'tls' ? tlsLate : headerLate
    this.fail(new TurnpikeError(code, { message: `${what} took too long (timer: ${name}).` }))
  }

  private arrive(socket: Socket): void {
    if (this.over) return
    this.finish()
    this.events.arrived(socket, new Session(this.facts))
  }

  private fail(error: TurnpikeError): void {
    if (this.over) return
    this.finish()
    // Not within a callback of the TLS over it: destroying both sockets there crashes Node (seen with 26.10).
    this.context.world.soon(() => this.socket.destroy())
    this.events.failed(error)
  }

  private readonly closed = (): void => {
    // The TLS over it may know why, and says so after this.
    this.context.world.soon(() => this.fail(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'accept' })))
  }

  private finish(): void {
    this.over = true
    this.socket.off('close', this.closed)
    this.context.wheel.remove(this.deadline)
  }
}

const tlsLate = ['ERR_TLS_CLIENT', 'The TLS handshake with the client'] as const
const headerLate = ['ERR_PROXY_PROTOCOL', 'The PROXY protocol header'] as const
