import type { Ledger } from '../ledger.ts'
import type { HandshakeEvents, UpstreamSecurity } from '../tls/upstream-security.ts'
import type { DialAddress, DialEvents, Socket } from '../world.ts'

/** Who is told how an attempt to connect went. */
export interface AttemptOwner {
  attemptConnected(attempt: Dialled): void
  attemptFailed(attempt: Dialled, error: Error): void
}

/** Told of a connection's bytes and end, once it stands: DialEvents without `connected`. */
export type StreamEvents = Omit<DialEvents, 'connected'>

/**
 * One outgoing connection: an attempt at first, then what `Dialler` hands over. Whoever takes it
 * attaches itself before `connected` returns, and may hand it on by attaching another.
 */
export class Dialled implements DialEvents {
  /** The plain socket, or the secured one over it. */
  socket!: Socket
  readonly address: DialAddress
  /** What the handshake settled on, such as `TLSv1.3`; null over plain text. */
  tlsVersion: string | null = null
  private readonly ledger: Ledger
  /** Null once the connection stands, and for an attempt that lost. */
  private owner: AttemptOwner | null
  private events: StreamEvents | null = null
  /** What is read of the socket that was secured last; null over plain text. */
  private stream: SecuredStream | null = null
  private early: Buffer | null = null

  constructor(address: DialAddress, owner: AttemptOwner, ledger: Ledger) {
    this.address = address
    this.owner = owner
    this.ledger = ledger
    ledger.enter('upstreamSockets')
  }

  /** There is TLS on it, with the target or with a parent: what is read stays the reader's, and it cannot be reset. */
  get secured(): boolean {
    return this.stream !== null
  }

  /** Bytes, end, error and close go to `events` from now on. */
  attach(events: StreamEvents): void {
    this.owner = null
    this.events = events
    const { early } = this
    if (early === null) return
    this.early = null
    // Before anything that the socket still has, and after whoever attaches is ready.
    queueMicrotask(() => {
      if (!this.read(early.length, early)) this.socket.pause()
    })
  }

  /** Bytes that were read too far: they are the first that whoever attaches next gets. */
  unread(bytes: Buffer): void {
    this.early = bytes
  }

  /** Starts TLS on the socket as it is; what that one says counts no more then, but for its close. */
  secure(security: UpstreamSecurity, host: string, port: number, handshake: HandshakeEvents): void {
    if (this.stream !== null) this.stream.superseded = true
    this.stream = new SecuredStream(this)
    this.socket = security.secure(this.socket, host, port, this.stream, handshake)
  }

  /** Gives the connection up: nobody hears of it any more. */
  abandon(): void {
    this.owner = null
    this.events = null
    this.socket.destroy()
  }

  connected(): void {
    this.owner?.attemptConnected(this)
  }

  read(length: number, buffer: Buffer): boolean {
    if (this.events !== null) return this.events.read(length, buffer)
    // Bytes that nobody asked for and nobody takes.
    this.socket.destroy()
    return false
  }

  nextBuffer(): Buffer | null {
    return this.events === null ? null : this.events.nextBuffer()
  }

  ended(): void {
    if (this.stream === null) this.streamEnded()
  }

  failed(error: Error): void {
    if (this.stream === null) this.streamFailed(error)
  }

  closed(): void {
    this.ledger.strike('upstreamSockets')
    if (this.stream === null) this.streamClosed()
  }

  streamEnded(): void {
    if (this.events !== null) this.events.ended()
    else this.socket.destroy()
  }

  streamFailed(error: Error): void {
    if (this.events !== null) this.events.failed(error)
    else this.owner?.attemptFailed(this, error)
  }

  streamClosed(): void {
    this.events?.closed()
    this.owner?.attemptFailed(this, new Error('the connection closed'))
  }
}

/** What TLS over a socket says. */
class SecuredStream implements StreamEvents {
  /** There is TLS within this TLS, to a target behind a parent that is spoken to by TLS. */
  superseded = false
  private readonly dialled: Dialled

  constructor(dialled: Dialled) {
    this.dialled = dialled
  }

  read(length: number, buffer: Buffer): boolean {
    return this.superseded || this.dialled.read(length, buffer)
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    if (!this.superseded) this.dialled.streamEnded()
  }

  failed(error: Error): void {
    if (!this.superseded) this.dialled.streamFailed(error)
  }

  closed(): void {
    if (!this.superseded) this.dialled.streamClosed()
  }
}
