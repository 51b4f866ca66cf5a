/** A stream of chance that a seed repeats exactly (mulberry32). */
export class Random {
  private state: number

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring lives.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
    this.next()
    this.next()
  }

  /** From 0 up to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Record<K, number>): K {
    let total = 0
    for (const key in weights) total += weights[key]
    let rest = this.next() * total
    let chosen: K | undefined
    for (const key in weights) {
      chosen = key
      rest -= weights[key]
      if (rest < 0) break
    }
    return chosen!
  }

  /** A stream of its own, so that what one part draws does not move another's. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 4294967296))
  }
}
