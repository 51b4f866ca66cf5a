import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import { TurnpikeError } from '../../core/error.ts'
import type { AttemptWatcher } from '../attempt-watcher.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import type { HopOptions } from '../egress-fields.ts'
import type { Exchange } from '../exchange.ts'
import type { EngineServices } from '../services.ts'
import { Deadline, type TimerName } from '../timers.ts'
import type { UpstreamTimeouts } from '../upstream-timeouts.ts'
import { http2Request } from './http2-request.ts'
import { Http2UpstreamStream, type StreamCarrier } from './http2-upstream-stream.ts'
import { http2Code } from './http2-codes.ts'
import { http2Codec } from './http2-codec.ts'

/** Told how a connection fares: Http2Connections. */
export interface Http2ConnectionKeeper {
  /** Its SETTINGS came: it can carry streams. */
  opened(connection: Http2UpstreamConnection): void
  /** It may carry one more stream than before. */
  roomier(connection: Http2UpstreamConnection): void
  /** It takes no more streams. `error`: where it never opened. */
  closing(connection: Http2UpstreamConnection, error: TurnpikeError | null): void
  /** It is gone. */
  lost(connection: Http2UpstreamConnection): void
}

export interface Http2ConnectionOptions {
  egress: HopOptions
  scheme: 'http' | 'https'
  timeouts: UpstreamTimeouts
  /** Until its SETTINGS have come. */
  connectMs: number
  /** How long it is kept without a stream. */
  idleMs: number
}

/** Streams at a time, whatever the endpoint would allow: they share one TCP connection's losses. */
const MAX_STREAMS = 128
/** What an endpoint may send on a stream before its client has taken any of it. */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 1024 * 1024
/** For any service that is not out to exhaust us; as for HTTP/1. */
const HEAD_BYTES = 64 * 1024
const HEAD_FIELDS = 200
const codecOptions = {
  settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: HEAD_BYTES },
  maxHeaderListPairs: HEAD_FIELDS,
  // node:http2 would refuse streams above it; windows bound the memory already. In MB.
  maxSessionMemory: 1024,
  // What came twice goes on twice: it is for the endpoint to judge.
  strictSingleValueFields: false,
}
/** How long an endpoint may take to close a connection that has nothing left to do. */
const LINGER_MS = 500

/** One HTTP/2 connection to an endpoint: carries many exchanges at a time, each on its stream. node:http2 is its codec. */
export class Http2UpstreamConnection implements StreamEvents, StreamCarrier {
  lost: Error | null = null
  /** When a stream or the connection itself last showed that the endpoint is there. */
  heardAt = 0
  private readonly dialled: Dialled
  private readonly keeper: Http2ConnectionKeeper
  private readonly services: EngineServices
  private readonly options: Http2ConnectionOptions
  private readonly session: ClientHttp2Session
  private readonly deadline = new Deadline((name) => this.expired(name))
  /** Of a PING. */
  private readonly answer = new Deadline(() => this.deaf())
  private asking = false
  private state: 'opening' | 'open' | 'closing' | 'gone' = 'opening'
  private limit = MAX_STREAMS
  private streams = 0
  private served = 0
  /** The last stream that the endpoint acted on or will, as its GOAWAY said. */
  private lastStream = Infinity
  private toFlush = new Set<Http2UpstreamStream>()
  private toReset: ClientHttp2Stream[] = []

  constructor(
    dialled: Dialled,
    keeper: Http2ConnectionKeeper,
    services: EngineServices,
    options: Http2ConnectionOptions,
  ) {
    this.dialled = dialled
    this.keeper = keeper
    this.services = services
    this.options = options
    dialled.attach(this)
    this.session = this.open()
    services.timers.set(this.deadline, 'connect', services.world.now(), options.connectMs)
  }

  /** It can take one more stream. */
  get hasRoom(): boolean {
    return this.state === 'open' && this.streams < this.limit
  }

  get idle(): boolean {
    return this.streams === 0
  }

  send(exchange: Exchange, watcher: AttemptWatcher): void {
    const { services, session, options } = this
    exchange.attempts++
    exchange.reused = this.served++ > 0
    exchange.connectedAt = services.world.now()
    const hasBody = exchange.body !== null
    let stream: ClientHttp2Stream
    try {
      const head = http2Request(exchange, options.egress, options.scheme)
      stream = session.request(head, { endStream: !hasBody, waitForTrailers: hasBody })
    } catch (cause) {
      // A field that HTTP/2 has no place for: only a middleware can have put it there.
      watcher.attemptFailed(exchange, new TurnpikeError('ERR_INTERNAL', { phase: 'send', cause }), false)
      watcher.attemptEnded(exchange, null)
      return
    }
    services.timers.clear(this.deadline)
    this.streams++
    new Http2UpstreamStream(exchange, watcher, this, services, options.timeouts).start(stream)
  }

  /** Takes no more streams, and ends with the last one. */
  close(): void {
    if (this.state === 'gone') return
    this.leaveOpen(null)
    this.session.close()
    if (this.streams === 0) this.rest()
  }

  /** Breaks off whatever it does. */
  destroy(): void {
    this.session.destroy()
  }

  // Of its streams.

  streamOver(): void {
    this.streams--
    if (this.streams === 0 && this.state !== 'gone') this.rest()
    if (this.hasRoom) this.keeper.roomier(this)
  }

  heard(): void {
    this.heardAt = this.services.world.now()
  }

  ask(): void {
    const { services, session, options } = this
    if (this.asking || session.destroyed) return
    this.asking = true
    services.timers.set(this.answer, 'connect', services.world.now(), options.connectMs)
    session.ping((error) => {
      this.asking = false
      services.timers.remove(this.answer)
      if (error === null) this.heard()
    })
  }

  refused(streamId: number): boolean {
    return streamId > this.lastStream
  }

  /** Frames of one read arrive one by one: what they bring a client leaves in one write. */
  flushSoon(stream: Http2UpstreamStream): void {
    if (this.toFlush.size === 0) this.services.world.soon(this.flushAll)
    this.toFlush.add(stream)
  }

  /**
   * Resets a stream, outside the codec's own turn: within it, node:http2 sends what is left of a stream after it
   * destroyed it, and ends the process where trailers were to follow (an assertion in `OnTrailers`, Node 26).
   */
  resetSoon(stream: ClientHttp2Stream): void {
    if (this.toReset.push(stream) === 1) this.services.world.soon(this.resetAll)
  }

  private readonly resetAll = (): void => {
    for (const stream of this.toReset.splice(0)) stream.close(http2Code.cancel)
  }

  private readonly flushAll = (): void => {
    const { toFlush } = this
    this.toFlush = new Set()
    for (const stream of toFlush) stream.flushClient()
  }

  // Of the socket: node:http2 reads and writes it, and hears of its end.

  read(): boolean {
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    this.lost ??= new Error('The endpoint closed the connection.')
    this.dialled.socket.destroy()
  }

  failed(error: Error): void {
    this.lost ??= error
  }

  closed(): void {
    this.lost ??= new Error('The connection closed.')
  }

  private open(): ClientHttp2Session {
    const { socket } = this.dialled
    if (!(socket instanceof Duplex)) throw new TurnpikeError('ERR_INTERNAL', { message: 'HTTP/2 needs a stream.' })
    const session = http2Codec().connect(`${this.options.scheme}://endpoint`, {
      ...codecOptions,
      createConnection: () => socket,
    })
    session.on('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW))
    session.on('remoteSettings', ({ maxConcurrentStreams }) => this.settled(maxConcurrentStreams ?? Infinity))
    session.on('goaway', (_code: number, lastStream: number) => {
      this.lastStream = lastStream
      this.leaveOpen(null)
    })
    session.on('error', (error: Error) => {
      this.lost ??= error
    })
    session.on('close', () => this.gone())
    return session
  }

  private settled(maxStreams: number): void {
    this.heard()
    this.limit = Math.min(maxStreams, MAX_STREAMS)
    if (this.state === 'opening') {
      this.state = 'open'
      this.rest()
      this.keeper.opened(this)
    } else if (this.hasRoom) {
      this.keeper.roomier(this)
    }
  }

  private expired(name: TimerName): void {
    if (name === 'idle') return this.close()
    if (name === 'drain') return void this.dialled.socket.destroy()
    this.leaveOpen(new TurnpikeError('ERR_UPSTREAM_HTTP2', { message: 'No SETTINGS came in time (timer: connect).' }))
    this.destroy()
  }

  /** Without a stream: waits for the next, or for the endpoint to close behind its last GOAWAY. */
  private rest(): void {
    const { services, options, state } = this
    const now = services.world.now()
    if (state === 'open') services.timers.set(this.deadline, 'idle', now, options.idleMs)
    else services.timers.set(this.deadline, 'drain', now, LINGER_MS)
  }

  private deaf(): void {
    this.lost ??= new Error('The endpoint did not answer a PING in time (timer: connect).')
    this.leaveOpen(null)
    this.destroy()
  }

  private leaveOpen(error: TurnpikeError | null): void {
    if (this.state !== 'opening' && this.state !== 'open') return
    const opening = this.state === 'opening'
    this.state = 'closing'
    this.keeper.closing(this, opening ? (error ?? this.neverOpened()) : null)
  }

  private neverOpened(): TurnpikeError {
    const { lost } = this
    return lost === null
      ? new TurnpikeError('ERR_UPSTREAM_HTTP2')
      : new TurnpikeError('ERR_UPSTREAM_HTTP2', { cause: lost })
  }

  private gone(): void {
    if (this.state === 'gone') return
    this.lost ??= new Error('The session ended.')
    this.leaveOpen(null)
    this.state = 'gone'
    this.services.timers.remove(this.deadline)
    this.services.timers.remove(this.answer)
    this.keeper.lost(this)
    // Its last frames, GOAWAY among them, have left.
    this.dialled.socket.destroy()
  }
}
