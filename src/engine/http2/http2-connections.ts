import type { TurnpikeError } from '../../core/error.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { DialHandle, DialResult } from '../dial/dial.ts'
import type { Dialled } from '../dial/dialled.ts'
import type { EndpointConnections } from '../endpoint-connections.ts'
import type { Exchange } from '../exchange.ts'
import type { PoolOptions } from '../http1/pool.ts'
import type { EngineServices } from '../services.ts'
import { Http2UpstreamConnection, type Http2ConnectionKeeper } from './http2-upstream-connection.ts'
import { WaitingExchange, type WaitingPlace } from './waiting-exchange.ts'

/** Exchanges that wait for one connection to open: what a server is asked to allow at least (RFC 9113 §6.5.2). */
const MAX_RIDERS = 100

/**
 * The HTTP/2 connections to one endpoint. The first is filled before the next is made; above `max` full
 * ones, exchanges wait for a stream to end.
 */
export class Http2Connections implements EndpointConnections, Http2ConnectionKeeper, WaitingPlace {
  private readonly services: EngineServices
  private readonly options: PoolOptions
  /** Those that take streams. */
  private readonly open: Http2UpstreamConnection[] = []
  /** Those that take no more, but still have some. */
  private readonly closingOnes = new Set<Http2UpstreamConnection>()
  private readonly openings = new Set<Opening>()
  private readonly waiters = new Set<WaitingExchange>()
  private closed = false

  constructor(services: EngineServices, options: PoolOptions) {
    this.services = services
    this.options = options
  }

  get counts(): { idle: number; busy: number; dialling: number; waiting: number } {
    const idle = this.open.filter((connection) => connection.idle).length
    const busy = this.open.length - idle + this.closingOnes.size
    return { idle, busy, dialling: this.openings.size, waiting: this.waiters.size }
  }

  send(exchange: Exchange, watcher: AttemptWatcher, fresh: boolean): void {
    const roomy = this.roomy()
    // A used connection that was heard of since the exchange began is as good as a new one.
    const usable = fresh ? this.open.find((each) => each.hasRoom && each.heardAt >= exchange.startedAt) : roomy
    if (usable !== undefined) return usable.send(exchange, watcher)
    const opening = this.openingWithRoom()
    if (opening !== null) opening.riders.add(new WaitingExchange(this.services, exchange, watcher, opening))
    else if (this.full) {
      if (roomy === undefined) this.wait(exchange, watcher)
      else roomy.send(exchange, watcher)
    } else this.dial(new Opening(this), exchange, watcher)
  }

  close(): void {
    this.closed = true
    for (let at = this.open.length - 1; at >= 0; at--) this.open[at]!.close()
  }

  leftBy(waiter: WaitingExchange): void {
    this.waiters.delete(waiter)
  }

  // Of connections.

  opened(connection: Http2UpstreamConnection): void {
    this.open.push(connection)
    const opening = this.openingOf(connection)
    if (opening === undefined) return
    this.openings.delete(opening)
    this.serve(opening.riders)
    // An endpoint that allows fewer streams than there are riders, or none for now.
    for (const { exchange, watcher } of this.taken(opening.riders)) {
      if (connection.idle) this.wait(exchange, watcher)
      else this.send(exchange, watcher, false)
    }
    this.serve(this.waiters)
    if (this.closed) connection.close()
  }

  roomier(connection: Http2UpstreamConnection): void {
    this.serve(this.waiters)
    if (this.closed && connection.idle) connection.close()
  }

  closing(connection: Http2UpstreamConnection, error: TurnpikeError | null): void {
    const at = this.open.indexOf(connection)
    if (at >= 0) this.open.splice(at, 1)
    this.closingOnes.add(connection)
    const opening = this.openingOf(connection)
    if (opening !== undefined && error !== null) this.failed(opening, error)
    else this.replace()
  }

  lost(connection: Http2UpstreamConnection): void {
    this.closingOnes.delete(connection)
  }

  // Of those that are being opened.

  connected(dialled: Dialled, opening: Opening): void {
    const { services, options } = this
    opening.connection = new Http2UpstreamConnection(dialled, this, services, {
      egress: options.egress,
      scheme: options.tls === null ? 'http' : 'https',
      timeouts: options.timeouts,
      connectMs: options.connectMs,
      idleMs: options.idleMs,
    })
  }

  failed(opening: Opening, error: TurnpikeError): void {
    this.openings.delete(opening)
    for (const { exchange, watcher } of this.taken(opening.riders)) {
      exchange.attempts++
      watcher.attemptFailed(exchange, error, error.retry)
      watcher.attemptEnded(exchange, null)
    }
    this.replace()
  }

  abandoned(opening: Opening): void {
    this.openings.delete(opening)
    this.replace()
  }

  private get full(): boolean {
    return this.open.length + this.openings.size >= this.options.max
  }

  private roomy(): Http2UpstreamConnection | undefined {
    return this.open.find((connection) => connection.hasRoom)
  }

  private openingWithRoom(): Opening | null {
    for (const opening of this.openings) if (opening.riders.size < MAX_RIDERS) return opening
    return null
  }

  private openingOf(connection: Http2UpstreamConnection): Opening | undefined {
    for (const opening of this.openings) if (opening.connection === connection) return opening
    return undefined
  }

  private dial(opening: Opening, exchange: Exchange, watcher: AttemptWatcher): void {
    const { target, tls, tlsMs, connectMs, guard = null, via = null } = this.options
    opening.riders.add(new WaitingExchange(this.services, exchange, watcher, opening))
    this.openings.add(opening)
    const options = { connectMs: exchange.timeouts?.connectMs ?? connectMs, tls, tlsMs, guard, via }
    opening.handle = this.services.dialler.dial(target, options, opening)
  }

  private wait(exchange: Exchange, watcher: AttemptWatcher): void {
    const waiter = new WaitingExchange(this.services, exchange, watcher, this)
    this.waiters.add(waiter)
    waiter.expireAfter(exchange.timeouts?.connectMs ?? this.options.connectMs)
  }

  /** A place for a connection is free: those that wait may have it. */
  private replace(): void {
    const [first] = this.waiters
    if (first === undefined || this.full) return
    for (const { exchange, watcher } of this.taken(this.waiters)) this.send(exchange, watcher, false)
  }

  /** Sends as many as there is room for. */
  private serve(waiting: Set<WaitingExchange>): void {
    for (const each of waiting) {
      const roomy = this.roomy()
      if (roomy === undefined) return
      each.leave()
      waiting.delete(each)
      roomy.send(each.exchange, each.watcher)
    }
  }

  private taken(waiting: Set<WaitingExchange>): WaitingExchange[] {
    const all = [...waiting]
    waiting.clear()
    for (const each of all) each.leave()
    return all
  }
}

/** A connection that is being made, until its SETTINGS have come, and the exchanges that it is made for. */
class Opening implements DialResult, WaitingPlace {
  handle: DialHandle | null = null
  connection: Http2UpstreamConnection | null = null
  readonly riders = new Set<WaitingExchange>()
  private readonly connections: Http2Connections

  constructor(connections: Http2Connections) {
    this.connections = connections
  }

  connected(dialled: Dialled): void {
    this.connections.connected(dialled, this)
  }

  failed(error: TurnpikeError): void {
    this.connections.failed(this, error)
  }

  /** A rider's client went away; the last one takes the connection with it. */
  leftBy(rider: WaitingExchange): void {
    this.riders.delete(rider)
    if (this.riders.size > 0) return
    this.connections.abandoned(this)
    if (this.connection === null) this.handle?.cancel()
    else this.connection.destroy()
  }
}
