/** Of this process, one at a time for each name, in the order in which they came. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>()

  /** Rejects with the reason of `patience` where that is aborted while it waits. */
  async take<T>(name: string, work: () => Promise<T>, patience?: AbortSignal): Promise<T> {
    const before = this.last.get(name) ?? Promise.resolve()
    const { promise: over, resolve: done } = Promise.withResolvers<void>()
    this.last.set(name, over)
    try {
      await (patience === undefined ? before : orAborted(before, patience))
      return await work()
    } finally {
      // One that left before its turn came does not let the next one pass those before.
      void this.handOn(name, before, over, done)
    }
  }

  private async handOn(name: string, before: Promise<void>, over: Promise<void>, done: () => void): Promise<void> {
    await before
    done()
    if (this.last.get(name) === over) this.last.delete(name)
  }
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => {
    reject(signal.reason)
  }
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
