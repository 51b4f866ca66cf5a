import { TokenBucket, type BucketSettings } from './token-bucket.ts'

/** How many slots are looked at for one to give up where all are taken. */
const SAMPLE = 16

/**
 * One token bucket a key, for as many keys as are in use, up to a bound. A key costs its own text and some 60
 * bytes; full buckets are forgotten as new keys come. Beyond the bound, the fullest of a sample makes room: whoever
 * has used up the least loses the least, and many new keys do not free one that is empty.
 */
export class BucketTable {
  readonly bucket: TokenBucket
  private readonly most: number
  private readonly slots = new Map<string, number>()
  private readonly keys: (string | null)[] = []
  private fullAt = new Float64Array(64)
  private readonly free: number[] = []
  /** The slot that is looked at next, for one that is full. */
  private hand = 0

  /** `most`: keys at most. */
  constructor(settings: BucketSettings, most: number) {
    this.bucket = new TokenBucket(settings)
    this.most = most
  }

  /** Keys that are known. */
  get size(): number {
    return this.slots.size
  }

  /** Takes one token; false where there is none. */
  take(key: string, now: number): boolean {
    const slot = this.slots.get(key)
    const next = this.bucket.take(slot === undefined ? -Infinity : this.fullAt[slot]!, now)
    if (Number.isNaN(next)) return false
    this.fullAt[slot ?? this.insert(key, now)] = next
    return true
  }

  /** When the bucket of a key is full again; in the past where it is full. */
  fullTime(key: string): number {
    const slot = this.slots.get(key)
    return slot === undefined ? -Infinity : this.fullAt[slot]!
  }

  private insert(key: string, now: number): number {
    // Two looks for each new key: those that are full go faster than new ones come.
    this.forgetFull(now)
    this.forgetFull(now)
    if (this.free.length === 0 && this.keys.length >= this.most) this.forget(this.fullestOfSample())
    const slot = this.free.pop() ?? this.keys.length
    if (slot === this.fullAt.length) this.grow()
    this.keys[slot] = key
    this.slots.set(key, slot)
    return slot
  }

  private forgetFull(now: number): void {
    if (this.keys.length === 0) return
    const slot = this.nextSlot()
    if (this.keys[slot] !== null && this.fullAt[slot]! <= now) this.forget(slot)
  }

  private fullestOfSample(): number {
    let fullest = this.nextSlot()
    for (let count = 1; count < SAMPLE; count++) {
      const slot = this.nextSlot()
      if (this.fullAt[slot]! < this.fullAt[fullest]!) fullest = slot
    }
    return fullest
  }

  private nextSlot(): number {
    if (this.hand >= this.keys.length) this.hand = 0
    return this.hand++
  }

  private forget(slot: number): void {
    this.slots.delete(this.keys[slot]!)
    this.keys[slot] = null
    this.free.push(slot)
  }

  private grow(): void {
    const larger = new Float64Array(Math.min(this.fullAt.length * 2, this.most))
    larger.set(this.fullAt)
    this.fullAt = larger
  }
}
