import { EventQueue } from './event-queue.ts'

interface TimerHandle {
  cancel(): void
}

/**
 * A virtual event loop with Node's phases: timers that are due, then sockets that are ready, then
 * what was put off by `soon`. Between two callbacks real ticks and microtasks run, so that Node's
 * own streams work on it. Time passes only while nothing is ready.
 */
export class SimLoop {
  /** The engine's clock need not start at 0. */
  now = 5000.25
  /** Milliseconds that the loop is busy before a turn: late timers and clock jumps. Default: never. */
  busy: () => number = () => 0
  /** How much later than asked a timer may come. Default: never. */
  lateness: () => number = () => 0
  turns = 0
  private readonly timers = new EventQueue()
  private readonly io = new EventQueue()
  private soonQueue: (() => void)[] = []

  setTimer(run: () => void, delayMs: number): TimerHandle {
    const event = this.timers.add(this.now + Math.max(1, delayMs) + this.lateness(), run)
    return {
      cancel: () => {
        event.run = null
      },
    }
  }

  /** Runs in the poll phase, as what a kernel reports does. */
  ready(run: () => void, delayMs = 0): void {
    this.io.add(this.now + delayMs, run)
  }

  soon(run: () => void): void {
    this.soonQueue.push(run)
  }

  /** Timers set and not cancelled. */
  get isSleeping(): boolean {
    return this.timers.nextAt() === Infinity && this.io.nextAt() === Infinity && this.soonQueue.length === 0
  }

  /** When a timer will wake the loop; Infinity without one. */
  get wakesAt(): number {
    return this.timers.nextAt()
  }

  /** Runs until `done` says so (true) or nothing is left to happen before `before` (false). */
  run(done: () => boolean = () => false, before = Infinity): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let phase = this.turn(before)
      const step = (): void => {
        try {
          if (done()) return resolve(true)
          if (phase.next().done === true) {
            if (this.isSleeping || Math.min(this.timers.nextAt(), this.io.nextAt()) > before) {
              if (before < Infinity && this.now < before) this.now = before
              return resolve(done())
            }
            phase = this.turn(before)
          }
        } catch (error) {
          return reject(error)
        }
        setImmediate(step)
      }
      setImmediate(step)
    })
  }

  /** One turn of the loop; yields after each callback. */
  private *turn(before: number): Generator<void> {
    this.turns++
    if (this.soonQueue.length === 0) {
      const next = Math.min(this.timers.nextAt(), this.io.nextAt())
      if (next > before) return
      if (next < Infinity && next > this.now) this.now = next
    }
    this.now += this.busy()
    yield* this.due(this.timers)
    yield* this.due(this.io)
    const soon = this.soonQueue
    this.soonQueue = []
    for (const run of soon) {
      run()
      yield
    }
  }

  /** Everything due now, but not what this adds. */
  private *due(queue: EventQueue): Generator<void> {
    const order = queue.order
    for (;;) {
      const run = queue.take(this.now, order)
      if (run === null) return
      run()
      yield
    }
  }
}
