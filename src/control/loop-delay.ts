import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Ten wake-ups a second: nothing beside the work that they measure, and little in an idle process. */
const RESOLUTION_MS = 100
const WINDOW_MS = 10_000

/** How late the event loop ran, in seconds. */
export interface LoopDelays {
  p50: number
  p90: number
  p99: number
  max: number
  /** Samples and their sum since the start. */
  count: number
  sum: number
}

/** Samples how late the event loop runs its timers, from construction until disposed of. */
export class LoopDelay implements Disposable {
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  private readonly now: () => number
  private windowFrom: number
  private earlierCount = 0
  private earlierSum = 0

  /** `now`: milliseconds, as `World.now` gives them. */
  constructor(now: () => number) {
    this.now = now
    this.windowFrom = now()
    this.histogram.enable()
  }

  /** Quantiles of the last ten seconds or more; 0 before the first sample. */
  read(): LoopDelays {
    const { histogram } = this
    const count = histogram.count
    const any = count > 0
    const delays = {
      p50: any ? late(histogram.percentile(50)) : 0,
      p90: any ? late(histogram.percentile(90)) : 0,
      p99: any ? late(histogram.percentile(99)) : 0,
      max: any ? late(histogram.max) : 0,
      count: this.earlierCount + count,
      sum: this.earlierSum + (any ? late(histogram.mean) * count : 0),
    }
    if (this.now() - this.windowFrom >= WINDOW_MS) {
      this.earlierCount = delays.count
      this.earlierSum = delays.sum
      this.windowFrom = this.now()
      histogram.reset()
    }
    return delays
  }

  [Symbol.dispose](): void {
    this.histogram.disable()
  }
}

/** What is recorded is the time between two timers, in nanoseconds: late is what is more than was asked for. */
function late(between: number): number {
  return Math.max(0, between / 1e9 - RESOLUTION_MS / 1000)
}
