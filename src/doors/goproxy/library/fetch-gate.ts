import { untilAborted } from './until-aborted.ts'

/** Lets so many fetches run at a time; others wait, first come, first served. */
export class FetchGate {
  private free: number
  private readonly waiting = new Set<() => void>()

  constructor(limit: number) {
    this.free = limit
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await this.turn(signal)
    try {
      return await work()
    } finally {
      this.next()
    }
  }

  private async turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.waiting.add(resolve)
    try {
      await untilAborted(promise, signal)
    } catch (error) {
      // Its turn may have come in the moment in which it left.
      if (!this.waiting.delete(resolve)) this.next()
      throw error
    }
  }

  private next(): void {
    const [first] = this.waiting
    if (first === undefined) this.free++
    else {
      this.waiting.delete(first)
      first()
    }
  }
}
