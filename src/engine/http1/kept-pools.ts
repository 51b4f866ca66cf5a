/**
 * Pools of origins that others choose, by key: of more than `max`, the one used longest ago makes room. What it has
 * idle is closed then, the rest as it comes free.
 */
export class KeptPools<P extends { close(): void }> implements Disposable {
  private readonly max: number
  /** The one used last is last. */
  private readonly pools = new Map<string, P>()
  private lastKey = ''
  private last: P | undefined

  constructor(max: number) {
    this.max = max
  }

  find(key: string): P | undefined {
    if (key === this.lastKey && this.last !== undefined) return this.last
    const pool = this.pools.get(key)
    if (pool === undefined) return undefined
    this.pools.delete(key)
    this.keep(key, pool)
    return pool
  }

  add(key: string, pool: P): P {
    this.keep(key, pool)
    if (this.pools.size > this.max) this.dropOldest()
    return pool
  }

  [Symbol.dispose](): void {
    for (const pool of this.pools.values()) pool.close()
    this.pools.clear()
    this.last = undefined
  }

  private keep(key: string, pool: P): void {
    this.pools.set(key, pool)
    this.lastKey = key
    this.last = pool
  }

  private dropOldest(): void {
    for (const [key, pool] of this.pools) {
      pool.close()
      this.pools.delete(key)
      return
    }
  }
}
