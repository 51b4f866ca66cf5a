import type { SimLoop } from './sim-loop.ts'
import type { WireEnd } from './wire.ts'

export interface StreamEvents {
  bytes(bytes: Buffer): void
  /** The other side ended its direction. */
  ended(): void
  /** The connection was reset. */
  reset(): void
}

const READ_SIZE = 16_384

/** How scripted clients and origins use their end of a wire: a queue of things to send and do, in order. */
export class WireStream {
  /** Least time between two reads, ms; 0 to read all that comes. */
  readsEveryMs = 0
  private readonly end: WireEnd
  private readonly loop: SimLoop
  private readonly events: StreamEvents
  private queue: (Buffer | (() => void))[] = []
  private isReading = true
  private readAgain = false
  private isOver = false

  constructor(end: WireEnd, loop: SimLoop, events: StreamEvents) {
    this.end = end
    this.loop = loop
    this.events = events
    end.onReadable = () => this.read()
    end.onWritable = () => this.pump()
  }

  send(bytes: Buffer | string): void {
    this.queue.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    this.pump()
  }

  /** Runs when everything before it was taken by the kernel. */
  afterwards(run: () => void): void {
    this.queue.push(run)
    this.pump()
  }

  /** Forgets what was not sent yet. */
  stopSending(): void {
    this.queue = []
  }

  stopReading(): void {
    this.isReading = false
  }

  resumeReading(): void {
    this.isReading = true
    this.loop.ready(() => this.read())
  }

  shutdown(): void {
    this.afterwards(() => this.end.shutdown())
  }

  close(): void {
    this.isOver = true
    this.end.close()
  }

  reset(): void {
    this.isOver = true
    this.end.reset()
  }

  private pump(): void {
    while (this.queue.length > 0 && !this.isOver) {
      const next = this.queue[0]!
      if (typeof next === 'function') {
        this.queue.shift()
        next()
        continue
      }
      const taken = this.end.write(next)
      if (taken < 0) return this.stopSending()
      if (taken < next.length) {
        this.queue[0] = next.subarray(taken)
        return
      }
      this.queue.shift()
    }
  }

  private read(): void {
    while (this.isReading && !this.isOver && !this.readAgain) {
      const received = this.end.read(READ_SIZE)
      if (received === 'nothing') return
      if (received === 'end' || received === 'reset') {
        this.isReading = false
        if (received === 'end') this.events.ended()
        else this.events.reset()
        return
      }
      this.events.bytes(received)
      if (this.readsEveryMs === 0) continue
      this.readAgain = true
      this.loop.ready(() => {
        this.readAgain = false
        this.read()
      }, this.readsEveryMs)
    }
  }
}
