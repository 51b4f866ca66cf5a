import { TurnpikeError } from '../../core/error.ts'
import { Arrival } from './arrival.ts'
import type { Ledger } from '../ledger.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { peerFacts } from './peer-facts.ts'
import { Session, type SessionFacts } from '../session.ts'
import { Deadline, type TimerWheel } from '../timers.ts'
import type { BindAddress, ListeningSocket, Socket, World } from '../world.ts'

export interface ListenerEvents {
  /** A connection is ready to be read: the header is taken off, TLS stands. Attach 'data' before returning. */
  connection(socket: Socket, session: Session): void
  /** A connection ended before it was one: refused, or its header or handshake failed. */
  refused(error: TurnpikeError, peerAddress: string): void
  /** Accepting fails for now; called once a second at most. */
  failed(error: TurnpikeError): void
  /** The whole reply to a plain connection that is refused, '' to close without a word. */
  refusal(error: TurnpikeError): string
}

export interface ListenerContext {
  world: World
  wheel: TimerWheel
  ledger: Ledger
}

const LINGER_MS = 1_000
/** Fewer than the descriptors that are kept free. */
const MAX_LINGERING = 16

/** Owns one address, and its connections until they are handed over. */
export class Listener {
  /** Its name in the config: that of the connections accepted from then on. */
  name: string
  settings: ListenerSettings
  private readonly context: ListenerContext
  private readonly bindTo: BindAddress
  private readonly events: ListenerEvents
  private readonly arrivals = new Set<Arrival>()
  private listening: ListeningSocket | null = null
  private open = 0
  private lingering = 0

  constructor(
    name: string,
    address: BindAddress,
    settings: ListenerSettings,
    context: ListenerContext,
    events: ListenerEvents,
  ) {
    this.name = name
    this.bindTo = address
    this.settings = settings
    this.context = context
    this.events = events
  }

  /** Binds and accepts. Rejects with ERR_LISTEN. */
  listen(): Promise<BindAddress> {
    const { world, ledger } = this.context
    return new Promise((resolve, reject) => {
      const listening = world.listen(this.bindTo, {
        ready: () => {
          this.listening = listening
          ledger.enter('listeners')
          resolve(listening.address())
        },
        failed: (cause) => {
          if (this.listening === null) reject(this.listenError(cause))
          else this.events.failed(new TurnpikeError('ERR_DESCRIPTORS', { phase: 'accept', cause }))
        },
        accept: (socket, scarce) => this.accept(socket, scarce ?? false),
      })
    })
  }

  /** Connections open now, those being set up included. */
  get connections(): number {
    return this.open
  }

  /** Frees the address. Open connections go on. */
  stopAccepting(): Promise<void> {
    const { listening } = this
    if (listening === null) return Promise.resolve()
    this.listening = null
    this.context.ledger.strike('listeners')
    return new Promise((resolve) => listening.close(resolve))
  }

  /** Frees the address and ends the connections that were not handed over yet. */
  async close(): Promise<void> {
    await this.stopAccepting()
    for (const arrival of this.arrivals) arrival.abandon()
    this.arrivals.clear()
  }

  private accept(socket: Socket, scarce: boolean): void {
    // W13: an error without a listener ends the process. Whoever reads the socket hears of its end by 'close'.
    socket.on('error', ignore)
    socket.on('close', this.socketClosed)
    this.context.ledger.enter('clientSockets')
    this.open++
    if (scarce) return this.refuse(socket, new TurnpikeError('ERR_DESCRIPTORS', { phase: 'accept' }))
    if (this.open > this.settings.connections) return this.refuse(socket, new TurnpikeError('ERR_CONNECTION_LIMIT'))
    const facts = peerFacts(this.name, socket, this.bindTo.kind === 'unix')
    if (facts === null) socket.destroy()
    else if (this.settings.tls === null && this.settings.proxyProtocol === null) {
      this.events.connection(socket, new Session(facts))
    } else this.receive(socket, facts)
  }

  /** Takes off what stands before HTTP. */
  private receive(socket: Socket, facts: SessionFacts): void {
    const arrival = new Arrival(socket, facts, this.settings, this.context, {
      arrived: (secured, session) => {
        this.arrivals.delete(arrival)
        this.events.connection(secured, session)
      },
      failed: (error) => {
        this.arrivals.delete(arrival)
        this.events.refused(error, facts.peerAddress)
      },
    })
    this.arrivals.add(arrival)
    arrival.start()
  }

  private readonly socketClosed = (): void => {
    this.open--
    this.context.ledger.strike('clientSockets')
  }

  /** Costs little: this is what happens under a flood. */
  private refuse(socket: Socket, error: TurnpikeError): void {
    this.events.refused(error, socket.remoteAddress ?? '')
    const reply = this.settings.tls === null ? this.events.refusal(error) : ''
    if (reply === '') {
      socket.destroy()
      return
    }
    if (this.lingering === MAX_LINGERING) {
      socket.write(reply, 'latin1', () => socket.destroy())
      return
    }
    // RFC 9112 §9.6: a reset would take the reply from the client, so what it sends is read for a while.
    const { world, wheel } = this.context
    const deadline = new Deadline(() => socket.destroy())
    this.lingering++
    wheel.set(deadline, 'drain', world.now(), LINGER_MS)
    socket.on('close', () => {
      this.lingering--
      wheel.remove(deadline)
    })
    socket.on('end', () => socket.destroy())
    socket.write(reply, 'latin1')
    socket.end()
    socket.resume()
  }

  private listenError(cause: Error): TurnpikeError {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    const why = reasons[code] ?? cause.message
    const { bindTo } = this
    const address = bindTo.kind === 'unix' ? `unix:${bindTo.path}` : `${bindTo.host}:${bindTo.port}`
    return new TurnpikeError('ERR_LISTEN', { message: `Listener ${this.name} cannot bind ${address}: ${why}.`, cause })
  }
}

const ignore = (): void => {}

const reasons: Record<string, string> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  ENOENT: 'the folder does not exist',
}
