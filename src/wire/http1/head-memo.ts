/** Bytes of a head that were read before, and what they meant. */
export interface Remembered {
  readonly bytes: Buffer
}

const SLOTS = 64
/** Longer ones are read anew each time. */
const LONGEST = 4096

/**
 * Remembers heads by their bytes. A client or service that repeats itself says the same bytes again, and
 * equal bytes mean the same: comparing them costs a tenth of reading them. Bounded: one slot for each
 * length of what is at hand, modulo 64; kept only when a length comes twice, so that heads which never
 * repeat cost next to nothing.
 */
export class HeadMemo<T extends Remembered> {
  private readonly slots: (T | null)[] = Array.from({ length: SLOTS }, () => null)
  /** Length of the last head that was not found, by slot. */
  private readonly missed = new Int32Array(SLOTS)

  /** What is remembered of the head that begins at `at`, or null. */
  find(bytes: Buffer, at: number, end: number): T | null {
    const known = this.slots[(end - at) % SLOTS]!
    if (known === null) return null
    const { length } = known.bytes
    if (length > end - at || bytes[at + length - 5] !== known.bytes[length - 5]) return null
    return known.bytes.compare(bytes, at, at + length) === 0 ? known : null
  }

  /** The head `bytes[at..headEnd)` was read out of what ended at `end`: remembers it where it may come again. */
  learn(bytes: Buffer, at: number, headEnd: number, end: number, make: (bytes: Buffer) => T): void {
    const length = headEnd - at
    const slot = (end - at) % SLOTS
    if (this.missed[slot] !== length) {
      this.missed[slot] = length
      return
    }
    if (length <= LONGEST) this.slots[slot] = make(Buffer.from(bytes.subarray(at, headEnd)))
  }
}
