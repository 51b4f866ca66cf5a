import { Duplex } from 'node:stream'
import type { DialEvents, Socket } from '../../src/engine/world.ts'
import type { SimLoop } from './sim-loop.ts'
import type { WireEnd } from './wire.ts'

type Written = (error?: Error | null) => void

const READ_SIZE = 65536
const POISON = 0xdd

export interface SimSocketOptions {
  loop: SimLoop
  /** Unix sockets have no addresses. */
  remoteAddress: string | undefined
  remotePort: number | undefined
  localAddress: string | undefined
  localPort: number | undefined
  /** Unix sockets cannot be reset by hand: Node throws. */
  isUnix: boolean
  /** For dialled sockets. */
  events: DialEvents | null
  /** What all dialled sockets read into; poisoned as soon as it is the reader's no more. */
  shared: Buffer
  /** Told once it is closed. */
  gone: () => void
}

/**
 * A socket on a simulated wire. It is one of Node's own streams over a simulated handle, built as
 * `net.Socket` is, so corking, buffering, callbacks and the order of events are the real ones.
 */
export class SimSocket extends Duplex implements Socket {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  connecting: boolean
  private readonly options: SimSocketOptions
  private readonly loop: SimLoop
  private wire: WireEnd | null = null
  private reading = false
  private readScheduled = false
  private ended = false
  private buffer: Buffer
  private pendingWrite: { chunks: Uint8Array[]; done: Written } | null = null

  constructor(options: SimSocketOptions) {
    super({ allowHalfOpen: true, emitClose: false, autoDestroy: true })
    this.options = options
    this.loop = options.loop
    this.remoteAddress = options.remoteAddress
    this.remotePort = options.remotePort
    this.localAddress = options.localAddress
    this.localPort = options.localPort
    this.connecting = true
    this.buffer = options.shared
  }

  /** The connection stands. */
  attach(wire: WireEnd): void {
    this.loop.owesTicks = true
    if (this.destroyed) return wire.close()
    this.wire = wire
    this.connecting = false
    wire.onReadable = () => {
      if (wire.style.coalesces) this.scheduleRead()
      else if (this.reading) this.readOnce(wire)
    }
    wire.onWritable = () => this.continueWrite()
    this.emit('connect')
    this.read(0)
    if (this.options.events !== null && !this.destroyed) this.startReading()
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  resetAndDestroy(): this {
    if (this.options.isUnix && this.wire !== null) {
      throw Object.assign(new TypeError('This handle type cannot be sent'), { code: 'ERR_INVALID_HANDLE_TYPE' })
    }
    if (this.connecting) {
      this.once('connect', () => this.resetAndDestroy())
      return this
    }
    if (this.wire === null) return this.destroy(failure('ERR_SOCKET_CLOSED'))
    this.wire.reset()
    return this.destroy()
  }

  override pause(): this {
    if (this.options.events !== null) this.reading = false
    return super.pause()
  }

  override resume(): this {
    if (this.options.events !== null && this.wire !== null && !this.reading) this.startReading()
    return super.resume()
  }

  override _read(): void {
    if (this.connecting) this.once('connect', () => this.read(0))
    else if (!this.reading && this.options.events === null) this.startReading()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Written): void {
    this.writeAll([chunk], done)
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: Written): void {
    this.writeAll(
      chunks.map((each) => each.chunk),
      done,
    )
  }

  override _final(done: Written): void {
    if (this.connecting) {
      this.once('connect', () => this.shutDown(done))
      return
    }
    this.shutDown(done)
  }

  override _destroy(error: Error | null, done: Written): void {
    this.loop.owesTicks = true
    this.connecting = false
    this.reading = false
    const { wire, pendingWrite } = this
    this.pendingWrite = null
    this.wire = null
    if (wire !== null) {
      wire.onReadable = wire.onWritable = () => {}
      wire.close()
    }
    done(error)
    this.loop.ready(() => {
      this.loop.owesTicks = true
      pendingWrite?.done()
      this.options.gone()
      this.emit('close', error !== null)
    })
  }

  private shutDown(done: Written): void {
    if (this.wire === null) return done()
    this.wire.shutdown()
    this.later(done)
  }

  private writeAll(chunks: Uint8Array[], done: Written): void {
    if (this.connecting) {
      this.once('connect', () => this.writeAll(chunks, done))
      return
    }
    if (this.wire === null) return done(failure('ERR_SOCKET_CLOSED'))
    this.pendingWrite = { chunks, done }
    // As with TLS: the memory is in use until the writer is told.
    if (this.wire.style.lateWrites) return this.later(() => this.continueWrite())
    const taken = this.offer(chunks)
    if (taken === 'part') return
    this.pendingWrite = null
    if (taken === 'reset') this.later(() => this.destroy(failure('EPIPE')))
    else done()
  }

  private later(run: () => void): void {
    this.loop.ready(() => {
      this.loop.owesTicks = true
      run()
    })
  }

  private continueWrite(): void {
    const pending = this.pendingWrite
    if (pending === null) return
    this.loop.owesTicks = true
    const taken = this.offer(pending.chunks)
    if (taken === 'part') return
    this.pendingWrite = null
    if (taken === 'reset') this.destroy(failure('ECONNRESET'))
    else pending.done()
  }

  /** Gives the kernel what it takes; what is left stays in `chunks`, in the writer's own memory. */
  private offer(chunks: Uint8Array[]): 'all' | 'part' | 'reset' {
    while (chunks.length > 0) {
      const chunk = chunks[0]!
      const taken = this.wire!.write(chunk)
      if (taken < 0) return 'reset'
      if (taken < chunk.length) {
        chunks[0] = chunk.subarray(taken)
        return 'part'
      }
      chunks.shift()
    }
    return 'all'
  }

  private startReading(): void {
    this.reading = true
    this.scheduleRead()
  }

  private scheduleRead(): void {
    if (this.readScheduled || !this.reading) return
    this.readScheduled = true
    this.loop.ready(() => {
      this.readScheduled = false
      if (this.reading && this.wire !== null) this.readOnce(this.wire)
    })
  }

  private readOnce(wire: WireEnd): void {
    const received = wire.read(this.options.events === null ? READ_SIZE : this.buffer.length)
    if (received === 'nothing' || (received === 'end' && this.ended)) return
    this.loop.owesTicks = true
    if (received === 'end') {
      this.ended = true
      this.push(null)
      this.read(0)
      return
    }
    if (received === 'reset') {
      this.destroy(failure('ECONNRESET'))
      return
    }
    if (this.options.events !== null) this.deliver(received, this.options.events)
    else if (!this.push(Buffer.from(received))) this.reading = false
    this.scheduleRead()
  }

  /** As `onread` does it: into the memory that all sockets share, unless the reader brings its own. */
  private deliver(received: Buffer, events: DialEvents): void {
    const { buffer } = this
    const { shared } = this.options
    received.copy(buffer)
    if (!events.read(received.length, buffer)) this.reading = false
    this.buffer = events.nextBuffer() ?? shared
    // A reader that still uses memory which is not its own must not get away with it.
    if (buffer === shared) buffer.fill(POISON, 0, received.length)
  }
}

/** An error as the system reports it. */
export function failure(code: string): Error & { code: string } {
  return Object.assign(new Error(code), { code })
}
