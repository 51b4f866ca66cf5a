import type { Random } from './random.ts'
import type { SimLoop } from './sim-loop.ts'

/** How the network between two sockets behaves. */
export interface WireStyle {
  /** Bytes that both kernels hold for one direction. */
  capacity: number
  /** Longest piece that arrives at once, for the first 100 pieces; a hundred times that from then on. */
  segment: number
  /** Longest time between two pieces, ms. */
  gapMs: number
  /** Whether what arrives at one time is read at once. */
  coalesces: boolean
  /** Whether the kernel takes what is written only later, as with TLS. */
  lateWrites: boolean
  /** Whether a reset erases what arrived and was not read. */
  resetErases: boolean
}

export const plainWire: WireStyle = {
  capacity: 65536,
  segment: 65536,
  gapMs: 0,
  coalesces: false,
  lateWrites: false,
  resetErases: false,
}

const SMALL_PIECES = 100

/** What a read from the kernel gives. */
export type Received = Buffer | 'nothing' | 'end' | 'reset'

/**
 * One end of a simulated TCP connection, as a kernel shows it: bounded buffers, FIN after what was
 * written, RST where a closed end still had or gets bytes. What a wire loses or changes is nothing.
 */
export class WireEnd {
  /** Something can be read. */
  onReadable: () => void = () => {}
  /** More can be written. */
  onWritable: () => void = () => {}
  peer!: WireEnd
  readonly style: WireStyle
  private readonly loop: SimLoop
  private readonly random: Random
  /** Arrived and not read. */
  private readonly arrived: Buffer[] = []
  private arrivedBytes = 0
  /** Taken from this end's writer and not read by the peer. */
  private unread = 0
  private pieces = 0
  private lastArrival = 0
  private wantsRoom = false
  private finSent = false
  private finArrived = false
  private wasReset = false
  private isClosed = false

  constructor(loop: SimLoop, random: Random, style: WireStyle) {
    this.loop = loop
    this.random = random
    this.style = style
  }

  static pair(loop: SimLoop, random: Random, style: WireStyle): [WireEnd, WireEnd] {
    const a = new WireEnd(loop, random, style)
    const b = new WireEnd(loop, random, style)
    a.peer = b
    b.peer = a
    return [a, b]
  }

  get closed(): boolean {
    return this.isClosed
  }

  /** How many bytes the kernel took, which it copied; `onWritable` follows where that is not all. -1 after a reset. */
  write(bytes: Uint8Array): number {
    if (this.wasReset || this.isClosed || this.finSent) return -1
    const taken = Math.min(bytes.length, this.style.capacity - this.unread)
    if (taken < bytes.length) this.wantsRoom = true
    if (taken === 0) return 0
    this.unread += taken
    const copy = Buffer.from(bytes.subarray(0, taken))
    let at = 0
    while (at < taken) {
      const longest = this.pieces++ < SMALL_PIECES ? this.style.segment : this.style.segment * 100
      const size = Math.min(taken - at, this.random.between(1, longest))
      const piece = copy.subarray(at, at + size)
      this.send(() => this.peer.arrive(piece))
      at += size
    }
    return taken
  }

  /** Ends this direction: the peer reads everything, then the end. */
  shutdown(): void {
    if (this.finSent || this.wasReset || this.isClosed) return
    this.finSent = true
    this.send(() => {
      this.peer.finArrived = true
      this.peer.onReadable()
    })
  }

  /** The next bytes, at most `max`. */
  read(max: number): Received {
    if (this.arrivedBytes > 0) {
      const first = this.arrived[0]!
      let bytes: Buffer
      if (first.length >= max || this.arrived.length === 1) {
        bytes = first.subarray(0, max)
        if (bytes.length === first.length) this.arrived.shift()
        else this.arrived[0] = first.subarray(max)
      } else {
        const all = Buffer.concat(this.arrived.splice(0))
        bytes = all.subarray(0, max)
        if (bytes.length < all.length) this.arrived.push(all.subarray(max))
      }
      this.arrivedBytes -= bytes.length
      this.peer.wasRead(bytes.length)
      return bytes
    }
    if (this.wasReset) return 'reset'
    return this.finArrived ? 'end' : 'nothing'
  }

  /** Sends RST. */
  reset(): void {
    if (this.isClosed) return
    this.isClosed = true
    // RST overtakes nothing that was sent, but no byte is sent after it.
    this.send(() => this.peer.resetArrived())
  }

  /** Closes both directions; with bytes unread the kernel sends RST in place of FIN. */
  close(): void {
    if (this.isClosed) return
    if (this.arrivedBytes > 0) return this.reset()
    this.shutdown()
    this.isClosed = true
  }

  private arrive(piece: Buffer): void {
    if (this.wasReset) return
    if (this.isClosed) {
      this.send(() => this.peer.resetArrived())
      return
    }
    this.arrived.push(piece)
    this.arrivedBytes += piece.length
    this.onReadable()
  }

  private resetArrived(): void {
    if (this.wasReset || this.isClosed) return
    this.wasReset = true
    if (this.style.resetErases) {
      this.arrived.length = 0
      this.arrivedBytes = 0
    }
    this.onReadable()
    this.onWritable()
  }

  private wasRead(length: number): void {
    this.unread -= length
    if (!this.wantsRoom) return
    this.wantsRoom = false
    this.loop.ready(() => this.onWritable())
  }

  /** In order, each a little later than the last. */
  private send(arrive: () => void): void {
    const earliest = this.loop.now + this.random.next() * this.style.gapMs
    this.lastArrival = Math.max(earliest, this.lastArrival)
    this.loop.ready(arrive, this.lastArrival - this.loop.now)
  }
}
