/** Of this process, one at a time for each name, in the order in which they came. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>()

  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(name)
    const { promise: over, resolve: done } = Promise.withResolvers<void>()
    this.last.set(name, over)
    try {
      await before
      return await work()
    } finally {
      done()
      if (this.last.get(name) === over) this.last.delete(name)
    }
  }
}
