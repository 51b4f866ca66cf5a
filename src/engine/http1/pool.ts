import { TurnpikeError } from '../../core/error.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { EndpointConnections } from '../endpoint-connections.ts'
import type { ExchangeWorker } from '../client-port.ts'
import type { AddressGuard } from '../dial/address-guard.ts'
import type { ParentRoute } from '../dial/parent.ts'
import type { DialHandle, DialResult, DialTarget } from '../dial/dial.ts'
import type { Dialled } from '../dial/dialled.ts'
import type { EgressOptions } from './egress.ts'
import type { Exchange } from '../exchange.ts'
import { Http1UpstreamConnection, type ConnectionKeeper } from './http1-upstream-connection.ts'
import type { EngineServices } from '../services.ts'
import { Deadline } from '../timers.ts'
import type { UpstreamSecurity } from '../tls/upstream-security.ts'
import type { UpstreamTimeouts } from '../upstream-timeouts.ts'

export interface PoolOptions {
  target: DialTarget
  tls: UpstreamSecurity | null
  egress: EgressOptions
  /** Connections at most, idle and busy. */
  max: number
  /** How long an idle one is kept. */
  idleMs: number
  connectMs: number
  tlsMs: number
  timeouts: UpstreamTimeouts
  /** Which addresses may be connected to. Default: all of them. */
  guard?: AddressGuard | null
  /** The parents to go through. Default: none. */
  via?: ParentRoute | null
}

/** The connections to one endpoint: bounded, the most recently used first, so that the rest can expire. */
export class Pool implements EndpointConnections, ConnectionKeeper {
  private readonly services: EngineServices
  private readonly options: PoolOptions
  private readonly idle: Http1UpstreamConnection[] = []
  private busy = 0
  private readonly dials = new Set<PoolDial>()
  private readonly waiters = new Set<Waiter>()
  private closed = false

  constructor(services: EngineServices, options: PoolOptions) {
    this.services = services
    this.options = options
  }

  get counts(): { idle: number; busy: number; dialling: number; waiting: number } {
    return { idle: this.idle.length, busy: this.busy, dialling: this.dials.size, waiting: this.waiters.size }
  }

  send(exchange: Exchange, watcher: AttemptWatcher, fresh: boolean): void {
    const connection = fresh ? undefined : this.idle.pop()
    if (connection !== undefined) {
      this.busy++
      connection.send(exchange, watcher)
      return
    }
    if (fresh && this.idle.length > 0 && this.full) this.idle[0]!.destroy()
    if (this.full) new Waiter(this.waiters, this.services, exchange, watcher).wait(this.connectMs(exchange))
    else this.dial(exchange, watcher)
  }

  released(connection: Http1UpstreamConnection): void {
    if (this.waiters.size > 0) {
      const [waiter] = this.waiters
      waiter!.leave()
      connection.send(waiter!.exchange, waiter!.watcher)
      return
    }
    this.busy--
    if (this.closed) connection.destroy()
    else this.idle.push(connection)
  }

  lost(connection: Http1UpstreamConnection): void {
    const at = this.idle.lastIndexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
    else this.busy--
    this.serveWaiter()
  }

  close(): void {
    this.closed = true
    for (const connection of this.idle.splice(0)) connection.destroy()
  }

  /** Takes in a connection that others have made, secured as `tls` says. */
  adopt(dialled: Dialled): void {
    const connection = this.connectionOn(dialled)
    this.idle.push(connection)
    connection.rest()
  }

  connected(dialled: Dialled, dial: PoolDial): void {
    this.dials.delete(dial)
    const connection = this.connectionOn(dialled)
    this.busy++
    connection.send(dial.exchange, dial.watcher)
  }

  dialOver(dial: PoolDial): void {
    this.dials.delete(dial)
    this.serveWaiter()
  }

  private get full(): boolean {
    return this.idle.length + this.busy + this.dials.size >= this.options.max
  }

  private connectionOn(dialled: Dialled): Http1UpstreamConnection {
    const { services, options } = this
    const { egress, timeouts, idleMs } = options
    return new Http1UpstreamConnection(dialled, options.tls !== null, this, services, egress, timeouts, idleMs)
  }

  private dial(exchange: Exchange, watcher: AttemptWatcher): void {
    const dial = new PoolDial(this, exchange, watcher)
    this.dials.add(dial)
    const { target, tls, guard = null, via = null } = this.options
    const tlsMs = exchange.timeouts?.tlsMs ?? this.options.tlsMs
    const options = { connectMs: this.connectMs(exchange), tls, tlsMs, guard, via }
    dial.handle = this.services.dialler.dial(target, options, dial)
  }

  private connectMs({ timeouts }: Exchange): number {
    return timeouts === null ? this.options.connectMs : timeouts.connectMs
  }

  private serveWaiter(): void {
    const [waiter] = this.waiters
    if (waiter === undefined || this.full) return
    waiter.leave()
    this.dial(waiter.exchange, waiter.watcher)
  }
}

/** An exchange whose connection is being made. */
class PoolDial implements DialResult, ExchangeWorker {
  handle: DialHandle | null = null
  readonly exchange: Exchange
  readonly watcher: AttemptWatcher
  private readonly pool: Pool

  constructor(pool: Pool, exchange: Exchange, watcher: AttemptWatcher) {
    this.pool = pool
    this.exchange = exchange
    this.watcher = watcher
    exchange.client.worker = this
  }

  connected(dialled: Dialled): void {
    this.exchange.client.worker = null
    this.pool.connected(dialled, this)
  }

  failed(error: TurnpikeError): void {
    this.exchange.client.worker = null
    this.exchange.attempts++
    this.pool.dialOver(this)
    this.watcher.attemptFailed(this.exchange, error, error.retry)
    this.watcher.attemptEnded(this.exchange, null)
  }

  clientReady(): void {}

  clientGone(): void {
    this.handle?.cancel()
    this.pool.dialOver(this)
    this.watcher.attemptEnded(this.exchange, null)
  }
}

/** An exchange that waits for a connection to come free. */
class Waiter implements ExchangeWorker {
  readonly exchange: Exchange
  readonly watcher: AttemptWatcher
  private readonly waiters: Set<Waiter>
  private readonly services: EngineServices
  private readonly deadline: Deadline

  constructor(waiters: Set<Waiter>, services: EngineServices, exchange: Exchange, watcher: AttemptWatcher) {
    this.waiters = waiters
    this.services = services
    this.exchange = exchange
    this.watcher = watcher
    this.deadline = new Deadline(() => {
      this.leave()
      watcher.attemptFailed(exchange, new TurnpikeError('ERR_POOL_EXHAUSTED'), false)
      watcher.attemptEnded(exchange, null)
    })
  }

  /** For `connectMs` at most. */
  wait(connectMs: number): void {
    const { services } = this
    this.exchange.client.worker = this
    this.waiters.add(this)
    services.ledger.enter('poolWaiters')
    services.timers.set(this.deadline, 'connect', services.world.now(), connectMs)
  }

  leave(): void {
    if (!this.waiters.delete(this)) return
    this.exchange.client.worker = null
    this.services.timers.remove(this.deadline)
    this.services.ledger.strike('poolWaiters')
  }

  clientReady(): void {}

  clientGone(): void {
    this.leave()
    this.watcher.attemptEnded(this.exchange, null)
  }
}
