import { EventQueue } from './event-queue.ts'

interface TimerHandle {
  cancel(): void
}

/**
 * A virtual event loop with Node's phases: timers that are due, then sockets that are ready, then
 * what was put off by `soon`. Between two callbacks of the engine real ticks and microtasks run, so
 * that Node's own streams work on it. Time passes only while nothing is ready.
 */
export class SimLoop {
  /** The engine's clock need not start at 0. */
  now = 5000.25
  /** Milliseconds that the loop is busy before a turn: late timers and clock jumps. Default: never. */
  busy: () => number = () => 0
  /** How much later than asked a timer may come. Default: never. */
  lateness: () => number = () => 0
  turns = 0
  /** Whether Node's ticks must run before the next callback. Set by what calls into the engine or into a stream. */
  owesTicks = false
  private readonly timers = new EventQueue()
  private readonly io = new EventQueue()
  private readonly soonQueue: (() => void)[] = []
  private phase: 'timers' | 'io' | 'soon' = 'soon'
  /** Events added from here on wait for the next turn. */
  private order = 0
  private soonLeft = 0

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
      const step = (): void => {
        try {
          this.owesTicks = false
          while (!this.owesTicks) {
            if (done()) return resolve(true)
            if (this.step()) continue
            if (this.isSleeping || Math.min(this.timers.nextAt(), this.io.nextAt()) > before) {
              if (before < Infinity && this.now < before) this.now = before
              return resolve(done())
            }
            this.beginTurn()
          }
        } catch (error) {
          return reject(error)
        }
        setImmediate(step)
      }
      setImmediate(step)
    })
  }

  /** Sleeps until something is ready. */
  private beginTurn(): void {
    this.turns++
    if (this.soonQueue.length === 0) {
      const next = Math.min(this.timers.nextAt(), this.io.nextAt())
      if (next > this.now) this.now = next
    }
    this.now += this.busy()
    this.phase = 'timers'
    this.order = this.timers.order
  }

  /** Runs the next callback of this turn; false where the turn is over. What a phase adds waits for the next turn. */
  private step(): boolean {
    if (this.phase === 'timers') {
      if (this.runDue(this.timers)) {
        this.owesTicks = true
        return true
      }
      this.phase = 'io'
      this.order = this.io.order
    }
    if (this.phase === 'io') {
      if (this.runDue(this.io)) return true
      this.phase = 'soon'
      this.soonLeft = this.soonQueue.length
    }
    if (this.soonLeft === 0) return false
    this.soonLeft--
    this.owesTicks = true
    this.soonQueue.shift()!()
    return true
  }

  private runDue(queue: EventQueue): boolean {
    const run = queue.take(this.now, this.order)
    if (run === null) return false
    run()
    return true
  }
}
