/** A map that holds so many entries at most: the one that was set first goes first. */
export class Recent<K, V> {
  private readonly most: number
  private readonly entries = new Map<K, V>()

  constructor(most: number) {
    this.most = most
  }

  get(key: K): V | undefined {
    return this.entries.get(key)
  }

  set(key: K, value: V): void {
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.entries.size <= this.most) return
    const [oldest] = this.entries.keys()
    this.entries.delete(oldest!)
  }

  /** Forgets it, unless it has been set to something else. */
  drop(key: K, value: V): void {
    if (this.entries.get(key) === value) this.entries.delete(key)
  }
}
