import { TurnpikeError } from '../../src/core/error.ts'
import type { BindAddress, DialAddress, DialEvents, ListenEvents, ListeningSocket } from '../../src/engine/world.ts'
import type {
  ResolvedAddress,
  Socket,
  TimerHandle,
  UdpAddress,
  UdpEvents,
  UdpSocket,
  World,
} from '../../src/engine/world.ts'
import { Random } from './random.ts'
import { SimLoop } from './sim-loop.ts'
import { failure, SimSocket } from './sim-socket.ts'
import { plainWire, WireEnd, type WireStyle } from './wire.ts'

/** What becomes of an attempt to connect to an origin. */
export type DialOutcome =
  | { kind: 'connects'; style: WireStyle; delayMs: number; accept: (end: WireEnd) => void }
  | { kind: 'fails'; code: string; delayMs: number }
  | { kind: 'hangs' }

/** What becomes of a look-up. */
export type ResolveOutcome = { addresses: ResolvedAddress[]; delayMs: number } | { code: string; delayMs: number }

/** One for all worlds: what one life left in it is poison to the next. */
const sharedMemory = Buffer.alloc(65536, 0xdd)
const WALL_AT_START = Date.UTC(2026, 0, 1)

/** A world of one process: its clock, its network and its chance come from a seed. */
export class SimWorld implements World {
  readonly loop = new SimLoop()
  readonly rng: Random
  /** Sockets of the engine that are not closed. */
  openSockets = 0
  /** Decides what a dial meets. Default: everything is refused. */
  onDial: (address: DialAddress) => DialOutcome = () => ({ kind: 'fails', code: 'ECONNREFUSED', delayMs: 0 })
  /** Decides what a name resolves to. Default: none exists. */
  onResolve: (name: string) => ResolveOutcome = () => ({ code: 'ENOTFOUND', delayMs: 0 })
  private readonly listeners = new Map<string, SimListener>()
  private nextPort = 40_000

  constructor(seed: number) {
    this.rng = new Random(seed)
  }

  now(): number {
    return this.loop.now
  }

  wallClock(): number {
    return WALL_AT_START + Math.floor(this.loop.now)
  }

  setTimer(run: () => void, delayMs: number): TimerHandle {
    return this.loop.setTimer(run, delayMs)
  }

  soon(run: () => void): void {
    this.loop.soon(run)
  }

  random(): number {
    return this.rng.next()
  }

  listen(address: BindAddress, events: ListenEvents): ListeningSocket {
    const bound: BindAddress =
      address.kind === 'tcp' && address.port === 0 ? { ...address, port: this.nextPort++ } : address
    const key = keyOf(bound)
    const listener = new SimListener(bound, events, () => this.listeners.delete(key))
    if (this.listeners.has(key))
      this.loop.ready(() => {
        this.loop.owesTicks = true
        events.failed(failure('EADDRINUSE'))
      })
    else {
      this.listeners.set(key, listener)
      this.loop.ready(() => {
        this.loop.owesTicks = true
        events.ready()
      })
    }
    return listener
  }

  dial(address: DialAddress, events: DialEvents): Socket {
    const socket = this.socket(address, events)
    socket.on('connect', () => events.connected())
    socket.on('end', () => events.ended())
    socket.on('error', (error) => events.failed(error))
    socket.on('close', () => events.closed())
    const outcome = this.onDial(address)
    if (outcome.kind === 'fails') this.loop.ready(() => socket.destroy(failure(outcome.code)), outcome.delayMs)
    else if (outcome.kind === 'connects') {
      this.loop.ready(() => {
        if (socket.destroyed) return
        const [near, far] = WireEnd.pair(this.loop, this.rng.fork(), outcome.style)
        outcome.accept(far)
        socket.attach(near)
      }, outcome.delayMs)
    }
    return socket
  }

  /** There is no UDP in this world: every attempt to bind fails. */
  bindUdp(address: UdpAddress, events: UdpEvents): UdpSocket {
    this.loop.ready(() => events.failed(failure('EOPNOTSUPP')))
    return { address: () => address, queuedBytes: 0, send: () => {}, close: () => {} }
  }

  originalDestination(): never {
    throw new TurnpikeError('ERR_ORIGINAL_DESTINATION')
  }

  resolve(name: string, done: (error: Error | null, addresses: ResolvedAddress[]) => void): void {
    const outcome = this.onResolve(name)
    this.loop.ready(() => {
      this.loop.owesTicks = true
      if ('code' in outcome) done(failure(outcome.code), [])
      else done(null, outcome.addresses)
    }, outcome.delayMs)
  }

  /** A client connects to an address that the engine listens on; null where nothing listens. */
  connect(address: BindAddress, style: WireStyle = plainWire, scarce = false): WireEnd | null {
    if (!this.isBound(address)) return null
    const [near, far] = WireEnd.pair(this.loop, this.rng.fork(), style)
    this.loop.ready(() => this.arrive(address, near, scarce))
    return far
  }

  isBound(address: BindAddress): boolean {
    return this.listeners.has(keyOf(address))
  }

  /** Gives a connection to the listener of an address. */
  arrive(address: BindAddress, end: WireEnd, scarce = false): void {
    const listener = this.listeners.get(keyOf(address))
    if (listener === undefined) return end.reset()
    const socket = this.socket(address, null)
    socket.attach(end)
    listener.events.accept(socket, scarce)
  }

  private socket(address: DialAddress, events: DialEvents | null): SimSocket {
    this.openSockets++
    const isUnix = address.kind === 'unix'
    return new SimSocket({
      loop: this.loop,
      remoteAddress: isUnix ? undefined : '192.0.2.7',
      remotePort: isUnix ? undefined : this.nextPort++,
      localAddress: isUnix ? undefined : address.host,
      localPort: isUnix ? undefined : address.port,
      isUnix,
      events,
      shared: sharedMemory,
      gone: () => {
        this.openSockets--
      },
    })
  }
}

class SimListener implements ListeningSocket {
  readonly events: ListenEvents
  private readonly bound: BindAddress
  private readonly release: () => void

  constructor(bound: BindAddress, events: ListenEvents, release: () => void) {
    this.bound = bound
    this.events = events
    this.release = release
  }

  address(): BindAddress {
    return this.bound
  }

  close(done: () => void): void {
    this.release()
    done()
  }
}

function keyOf(address: BindAddress): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`
}
