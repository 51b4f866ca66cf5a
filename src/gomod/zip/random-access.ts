/** Bytes that can be read anywhere: a file, or memory. */
export interface RandomAccess {
  /** Bytes. */
  readonly size: number
  /** Up to `into.length` bytes at `position`; 0 at the end. */
  read(into: Buffer, position: number): Promise<number>
}

/** Fills `into` from `position` on. Rejects with a RangeError where there are not as many bytes. */
export async function readFully(source: RandomAccess, into: Buffer, position: number): Promise<void> {
  let filled = 0
  while (filled < into.length) {
    const count = await source.read(into.subarray(filled), position + filled)
    if (count === 0) throw new RangeError('The bytes end early.')
    filled += count
  }
}

/** Bytes in memory. */
export class MemoryAccess implements RandomAccess {
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get size(): number {
    return this.bytes.length
  }

  read(into: Buffer, position: number): Promise<number> {
    return Promise.resolve(this.bytes.copy(into, 0, position, position + into.length))
  }
}
