import { TurnpikeError } from '../core/error.ts'
import { Headers } from '../core/headers.ts'
import { proxyHeader, type ProxyVersion } from '../wire/proxy-header.ts'
import type { AttemptWatcher } from './attempt-watcher.ts'
import type { ExchangeWorker } from './client-port.ts'
import type { DialHandle, DialResult, DialTarget } from './dial/dial.ts'
import type { Dialled } from './dial/dialled.ts'
import type { ParentRoute } from './dial/parent.ts'
import type { EndpointConnections } from './endpoint-connections.ts'
import type { Exchange } from './exchange.ts'
import { Relay } from './relay/relay.ts'
import type { EngineServices } from './services.ts'

export interface StreamConnectionsOptions {
  target: DialTarget
  /** Open and being opened, at most. */
  max: number
  connectMs: number
  /** How long no byte may move. */
  stallMs: number
  /** The proxies to go through, null for none. */
  via: ParentRoute | null
  /** Version of the PROXY protocol header that tells the endpoint whose bytes they are; null for none. */
  proxyProtocol: ProxyVersion | null
}

/** The connections to an endpoint that bytes are passed on to as they are: one for each exchange, never used again. */
export class StreamConnections implements EndpointConnections {
  readonly services: EngineServices
  readonly options: StreamConnectionsOptions
  readonly counts = { idle: 0, busy: 0, dialling: 0, waiting: 0 }

  constructor(services: EngineServices, options: StreamConnectionsOptions) {
    this.services = services
    this.options = options
  }

  send(exchange: Exchange, watcher: AttemptWatcher): void {
    if (this.counts.busy + this.counts.dialling < this.options.max) {
      new Stream(this, exchange, watcher).dial()
      return
    }
    exchange.attempts++
    watcher.attemptFailed(exchange, new TurnpikeError('ERR_POOL_EXHAUSTED'), true)
    watcher.attemptEnded(exchange, null)
  }

  /** What is open lives as long as its exchange: a reload does not end streams. */
  close(): void {}
}

/** One exchange on its way to an endpoint, and then its tunnel. */
class Stream implements DialResult, ExchangeWorker {
  private readonly connections: StreamConnections
  private readonly exchange: Exchange
  private readonly watcher: AttemptWatcher
  private handle: DialHandle | null = null
  private startedAt = 0

  constructor(connections: StreamConnections, exchange: Exchange, watcher: AttemptWatcher) {
    this.connections = connections
    this.exchange = exchange
    this.watcher = watcher
  }

  dial(): void {
    const { connections, exchange } = this
    const { services, options, counts } = connections
    const { target, via } = options
    counts.dialling++
    this.startedAt = services.world.now()
    exchange.client.worker = this
    const connectMs = exchange.timeouts?.connectMs ?? options.connectMs
    this.handle = services.dialler.dial(target, { connectMs, tls: null, tlsMs: 0, via }, this)
  }

  connected(dialled: Dialled): void {
    const { connections, exchange, watcher } = this
    const { services, options, counts } = connections
    const now = services.world.now()
    exchange.client.worker = null
    counts.dialling--
    counts.busy++
    exchange.attempts++
    // Of an endpoint that is only connected to, balancers learn how long it took to accept.
    exchange.connectedAt = this.startedAt
    exchange.firstByteAt = now
    const headers = new Headers()
    // To watchers a tunnel (RFC 9110 §9.3.6) is a change of protocols like any other.
    watcher.replied(exchange, 101, headers)
    exchange.connectedAt = now
    exchange.firstByteAt = 0
    const taken = exchange.client.takeOver(200, '', headers)
    const { proxyProtocol, stallMs } = options
    if (proxyProtocol !== null) dialled.socket.write(proxyHeader(proxyProtocol, exchange.session))
    const over = (): void => {
      counts.busy--
      watcher.attemptEnded(exchange, null)
    }
    new Relay({ taken, dialled, exchange, services, stallMs: exchange.timeouts?.stallMs ?? stallMs, over }).open()
  }

  failed(error: TurnpikeError): void {
    const { connections, exchange, watcher } = this
    exchange.client.worker = null
    connections.counts.dialling--
    exchange.attempts++
    watcher.attemptFailed(exchange, error, error.retry)
    watcher.attemptEnded(exchange, null)
  }

  clientReady(): void {}

  clientGone(): void {
    this.handle?.cancel()
    this.connections.counts.dialling--
    this.watcher.attemptEnded(this.exchange, null)
  }
}
