import type { TLSSocket } from 'node:tls'
import { TurnpikeError } from '../../../core/error.ts'
import type { Dialled, StreamEvents } from '../../../engine/dial/dialled.ts'
import type { OpenTunnel } from '../../../engine/exchange.ts'
import { Http1ServerConnection, type Http1ServerOptions } from '../../../engine/http1/http1-server-connection.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { Deadline, type TimerName } from '../../../engine/timers.ts'
import { shakeHands } from '../../../engine/tls/client-handshake.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import type { LeafSource } from '../../../certs/leaf-source.ts'
import type { RouteTimeouts } from '../../../engine/upstream-timeouts.ts'
import type { Passage } from '../passage.ts'
import type { OpenedTunnel } from '../tunnel/opened-tunnel.ts'
import { InterceptedRequests } from './intercepted-requests.ts'
import type { InterceptedTarget } from './intercepted-target.ts'
import type { LeafRefusals } from './leaf-refusals.ts'
import { tlsFault } from './tls-fault.ts'

export interface InterceptedTunnelOptions {
  services: EngineServices
  passage: Passage
  leaves: LeafSource
  refusals: LeafRefusals
  /** See `LeafRefusals.refused`. */
  refusalLimit: number
  /** For each of the two handshakes. */
  tlsMs: number
  /** Towards the target, held to its host. */
  security: UpstreamSecurity
  /** Makes what the requests go to, once the connection is secured and verified. */
  targetOn(dialled: Dialled): InterceptedTarget
  /** Of requests that leave HTTP by an upgrade. */
  upgraded: RouteTimeouts
  http: Omit<Http1ServerOptions, 'security' | 'closed'>
}

/** A client that leaves so soon after the handshake, and has not said a word, did not like the certificate. */
const PROMPTLY_MS = 1_000

/**
 * One tunnel that is looked into. TLS with the target comes first, so that no client sees a certificate of ours for a
 * target that was not verified but with an error in it (T7); then TLS with the client; then HTTP/1.1 until it is over.
 */
export class InterceptedTunnel implements OpenTunnel {
  private readonly tunnel: OpenedTunnel
  /** What the client asked for: the name in its ClientHello, else the host of the tunnel. */
  private readonly host: string
  private readonly options: InterceptedTunnelOptions
  private readonly deadline = new Deadline((name) => this.late(name))
  private target: InterceptedTarget | TurnpikeError | null = null
  private requests: InterceptedRequests | null = null
  private connection: Http1ServerConnection | null = null
  private securedAt = 0
  /** The client has sent something in the TLS. */
  private spoke = false
  private draining = false
  private over = false

  constructor(tunnel: OpenedTunnel, host: string, options: InterceptedTunnelOptions) {
    this.tunnel = tunnel
    this.host = host
    this.options = options
  }

  start(): void {
    const { host, tunnel, options } = this
    const { exchange, taken, dialled, destination } = tunnel
    options.services.ledger.enter('tunnels')
    exchange.tunnel = this
    taken.socket.on('close', this.clientClosed)
    if (taken.inputEnded) return this.finish(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tls' }))
    this.arm()
    dialled.attach(handshaking)
    dialled.secure(options.security, host, destination.port, {
      secured: (version) => {
        if (this.over || this.target !== null) return
        dialled.tlsVersion = version
        this.offer(options.targetOn(dialled))
      },
      failed: (error) => this.refuseTarget(error),
    })
  }

  cut(error: TurnpikeError): void {
    this.requests?.cut(error)
    this.connection?.destroy()
    this.finish(error)
  }

  drain(): void {
    this.draining = true
    if (this.connection !== null) this.endSoon(this.connection)
  }

  /** A client that has just shaken hands has its request on the way: that one is answered, as its last. */
  private endSoon(connection: Http1ServerConnection): void {
    if (this.spoke) return connection.drain()
    const { timers, world } = this.options.services
    connection.keepAlive = false
    timers.set(this.deadline, 'drain', world.now(), PROMPTLY_MS)
  }

  private late(name: TimerName): void {
    if (name === 'drain') this.connection?.drain()
    else if (this.target === null) this.refuseTarget(new TurnpikeError('ERR_TLS_TIMEOUT'))
    else this.finish(new TurnpikeError('ERR_TLS_CLIENT', { message: 'The TLS handshake took too long (timer: tls).' }))
  }

  private refuseTarget(error: TurnpikeError): void {
    if (this.over || this.target !== null) return
    this.tunnel.dialled.abandon()
    this.offer(tlsFault(error, this.host))
  }

  /** Its target is verified, or known not to be: now the client gets its TLS. */
  private offer(target: InterceptedTarget | TurnpikeError): void {
    this.target = target
    const { socket, pending } = this.tunnel.taken
    try {
      const { context } = this.options.leaves.leafFor(this.host)
      this.arm()
      if (pending !== null) socket.unshift(pending)
      shakeHands(socket, context, {
        secured: (secured) => this.serve(secured),
        refused: (cause) => this.leafRefused(cause),
        failed: (cause) => this.finish(new TurnpikeError('ERR_TLS_CLIENT', { cause })),
      })
    } catch (thrown) {
      this.finish(TurnpikeError.from(thrown, 'tls'))
    }
  }

  private serve(socket: TLSSocket): void {
    if (this.over) {
      socket.destroy()
      return
    }
    const { host, target, tunnel, options } = this
    const { services, passage, refusals, upgraded } = options
    const { exchange, verdict, hello } = tunnel
    services.timers.remove(this.deadline)
    tunnel.taken.socket.off('close', this.clientClosed)
    this.securedAt = services.world.now()
    socket.once('data', () => {
      this.spoke = true
      refusals.accepted(host, exchange.clientAddress)
    })
    const tls = {
      version: socket.getProtocol() ?? '',
      sni: hello.sni,
      domain: host,
      clientCertificate: '',
      settings: '',
      ...(typeof socket.alpnProtocol === 'string' && { alpn: socket.alpnProtocol }),
    }
    const session = exchange.session.within(tls)
    this.requests = new InterceptedRequests({ tunnel: exchange, verdict, passage, services, target: target!, upgraded })
    this.connection = new Http1ServerConnection(socket, session, this.requests, services, {
      ...options.http,
      security: () => this.security,
      closed: () => this.closed(),
    })
    // What is wrong with the target may be another thing the next time, and is looked at by the next tunnel.
    if (target instanceof TurnpikeError) this.connection.keepAlive = false
    if (this.draining) this.endSoon(this.connection)
  }

  /** H26: nothing but its target is asked for in a tunnel; HTTP/1.0 need not name it. */
  private readonly security = {
    settings: '',
    serves: (_tls: unknown, host: string): boolean => host === '' || host.replace(/^\[(.*)\]$/, '$1') === this.host,
  }

  private closed(): void {
    const { services } = this.options
    const left = !this.spoke && !this.draining && services.world.now() - this.securedAt < PROMPTLY_MS
    if (left && !this.over) this.leafRefused(new Error('the client left without a word'))
    else this.finish(null)
  }

  private leafRefused(cause: Error): void {
    const { refusals, refusalLimit } = this.options
    refusals.refused(this.host, this.tunnel.exchange.clientAddress, refusalLimit, cause)
    this.finish(new TurnpikeError('ERR_LEAF_REFUSED', { cause }))
  }

  private readonly clientClosed = (): void => {
    // The TLS over it may know why, and says so after this.
    this.options.services.world.soon(() => this.finish(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tls' })))
  }

  private finish(error: TurnpikeError | null): void {
    if (this.over) return
    this.over = true
    const { services } = this.options
    const { exchange, taken, dialled } = this.tunnel
    const { target } = this
    if (error !== null) exchange.error ??= error
    services.timers.remove(this.deadline)
    if (target === null) dialled.abandon()
    else if (!(target instanceof TurnpikeError)) target.close()
    // Not within a callback of the TLS over it: destroying both sockets there crashes Node (seen with 26.10).
    services.world.soon(() => taken.socket.destroy())
    services.ledger.strike('tunnels')
    taken.done()
  }

  private arm(): void {
    const { services, tlsMs } = this.options
    services.timers.set(this.deadline, 'tls', services.world.now(), tlsMs)
  }
}

/** What the handshake does not say itself. */
const handshaking: StreamEvents = {
  read: () => true,
  nextBuffer: () => null,
  ended() {},
  failed() {},
  closed() {},
}
