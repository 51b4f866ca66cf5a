import { TurnpikeError } from '../../../core/error.ts'
import { Headers } from '../../../core/headers.ts'
import type { BoundAddress, ExchangeWorker, TakenConnection } from '../../../engine/client-port.ts'
import type { DialHandle, DialResult } from '../../../engine/dial/dial.ts'
import type { Dialled } from '../../../engine/dial/dialled.ts'
import type { Exchange, OpenTunnel } from '../../../engine/exchange.ts'
import { cutSocket } from '../../../engine/http1/cut-socket.ts'
import type { Destination } from '../../../engine/proxy/destination.ts'
import { lingeringClose } from '../../../engine/proxy/lingering-close.ts'
import { tlsAlert } from '../../../engine/proxy/tls-alert.ts'
import { Relay } from '../../../engine/relay/relay.ts'
import type { ClientHello } from '../../../wire/client-hello.ts'
import type { Redecide, Verdict } from '../rules/verdict.ts'
import { HelloWait, type HelloWaitEvents } from './hello-wait.ts'
import { PassiveHello } from './passive-hello.ts'
import type { TunnelOpenerOptions } from './tunnel-opener.ts'

/**
 * One tunnel until bytes pass: the next hop is connected, the client told so (F2), its ClientHello read where that
 * decides (T1), and then perhaps another way dialled. After the grant it is what cuts the tunnel.
 */
export class OpeningTunnel implements DialResult, ExchangeWorker, HelloWaitEvents, OpenTunnel {
  private readonly options: TunnelOpenerOptions
  private readonly exchange: Exchange
  private readonly destination: Destination
  private readonly redecide: Redecide
  private readonly over: () => void
  private verdict: Verdict
  private dialling: DialHandle | null = null
  /** The connection that waits for what becomes of it. */
  private dialled: Dialled | null = null
  /** Null before the grant. */
  private taken: TakenConnection | null = null
  private waiting: HelloWait | null = null
  /** Rules have nothing more to say. */
  private decided: boolean
  private listened = false
  private hello: ClientHello | null
  private isRefused = false
  private ended = false

  /** `over` is called once, when the tunnel is. */
  constructor(
    options: TunnelOpenerOptions,
    exchange: Exchange,
    destination: Destination,
    verdict: Verdict,
    redecide: Redecide,
    over: () => void,
  ) {
    this.options = options
    this.exchange = exchange
    this.destination = destination
    this.verdict = verdict
    this.redecide = redecide
    this.over = over
    this.hello = destination.hello
    this.decided = this.hello !== null || !(verdict.needsHello || verdict.intercept)
  }

  dial(): void {
    const { options, exchange, verdict, destination } = this
    const { services, config, guard } = options
    const { host, port } = verdict.redirectTo ?? {
      // Where a captured connection was going is where it gets to, whatever name its hello has.
      host: destination.address ?? destination.host,
      port: destination.port,
    }
    if (this.taken === null) exchange.client.worker = this
    exchange.attempts++
    exchange.endpoint = textOf(host, port)
    exchange.upstream = verdict.via?.to(host).at(-1)?.name ?? ''
    const { connect: connectMs, tls: tlsMs } = config.timeouts
    const { via } = verdict
    this.dialling = services.dialler.dial(
      { kind: 'tcp', host, port },
      { connectMs, tls: null, tlsMs, guard, via, serverFirst: true },
      this,
    )
  }

  connected(dialled: Dialled): void {
    const { exchange, options } = this
    const { address } = dialled
    this.dialling = null
    this.dialled = dialled
    exchange.connectedAt = options.services.world.now()
    if (exchange.upstream === '' && address.kind === 'tcp') exchange.endpoint = textOf(address.host, address.port)
    if (this.taken === null) this.grant(dialled)
    if (this.decided) this.pass(dialled, null)
    else this.waitForHello(dialled)
  }

  /** The way could not be opened, or broke before anything passed. */
  failed(error: TurnpikeError): void {
    this.dialling = null
    if (this.taken !== null) return this.turnAway(error)
    this.exchange.client.worker = null
    this.over()
    this.exchange.fail(error)
  }

  clientGone(): void {
    this.dialling?.cancel()
    this.over()
  }

  clientReady(): void {}

  heard(hello: ClientHello | null, first: Buffer | null): void {
    const { exchange, verdict: before, dialled } = this
    this.waiting = null
    this.decided = true
    this.hello = exchange.hello = hello
    let verdict: Verdict
    try {
      verdict = this.redecide(hello?.sni ?? '')
    } catch (thrown) {
      return this.turnAway(TurnpikeError.from(thrown, 'route'))
    }
    this.verdict = verdict
    if (sameWay(verdict, before)) return this.pass(dialled!, first)
    dialled!.abandon()
    this.dialled = null
    const { socket } = this.taken!
    socket.on('close', this.clientLost)
    socket.on('error', this.clientLost)
    this.dial()
  }

  cut(error: TurnpikeError): void {
    this.exchange.error ??= error
    this.waiting?.stop()
    this.dialling?.cancel()
    this.dialled?.abandon()
    const { socket } = this.taken!
    cutSocket(socket, this.exchange.session.tls !== null)
    if (!this.isRefused) this.end()
  }

  private grant(dialled: Dialled): void {
    const { exchange } = this
    exchange.client.worker = null
    this.taken = exchange.client.takeOver(200, 'Connection established', new Headers(), this.boundAddress(dialled))
  }

  /** Asked of the system for those alone who are told it. */
  private boundAddress({ socket }: Dialled): BoundAddress | null {
    if (this.destination.kind !== 'socks5' && this.destination.kind !== 'socks4') return null
    const { localAddress, localPort } = socket
    return localAddress === undefined || localPort === undefined ? null : { address: localAddress, port: localPort }
  }

  private waitForHello(dialled: Dialled): void {
    this.listened = true
    this.exchange.tunnel = this
    this.waiting = new HelloWait(this.taken!, dialled, this.options.services, this)
    this.waiting.start(this.options.config.timeouts.hello)
  }

  /** Both sides stand, and nothing is in the way. */
  private pass(dialled: Dialled, first: Buffer | null): void {
    const { exchange, destination, hello, verdict, options, over } = this
    const { services, interceptor, config } = options
    const taken = this.taken!
    taken.socket.off('close', this.clientLost)
    taken.socket.off('error', this.clientLost)
    if (verdict.intercept && hello !== null && interceptor !== null) {
      const done = (): void => {
        over()
        taken.done()
      }
      if (interceptor.intercept({ exchange, taken: { ...taken, done }, dialled, destination, hello, verdict })) return
    }
    const onlooker = hello === null && !this.listened ? new PassiveHello(exchange) : null
    const stallMs = config.limits.tunnelStall
    new Relay({ taken, dialled, exchange, services, stallMs, onlooker, over }).open(first)
  }

  /** After the grant only TLS has words for a refusal: an alert before any ServerHello. */
  private turnAway(error: TurnpikeError): void {
    const { exchange, hello, dialled, options } = this
    const { socket, pending } = this.taken!
    exchange.error ??= error
    exchange.bytesIn += pending?.length ?? 0
    dialled?.abandon()
    this.dialled = null
    if (hello === null) return this.cut(error)
    socket.off('close', this.clientLost)
    socket.off('error', this.clientLost)
    this.isRefused = true
    socket.on('close', () => this.end())
    lingeringClose(socket, tlsAlert(error), options.services)
  }

  private readonly clientLost = (): void => {
    this.cut(new TurnpikeError('ERR_CLIENT_ABORT', { phase: 'tunnel' }))
  }

  private end(): void {
    if (this.ended) return
    this.ended = true
    this.over()
    this.taken!.done()
  }
}

function textOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function sameWay(one: Verdict, other: Verdict): boolean {
  const ways = [one, other].map(({ via, redirectTo }) =>
    JSON.stringify([via?.key, redirectTo && textOf(redirectTo.host, redirectTo.port)]),
  )
  return ways[0] === ways[1]
}
