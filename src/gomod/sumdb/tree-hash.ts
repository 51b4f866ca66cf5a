import { createHash, hash as digest } from 'node:crypto'

/** Of SHA-256. */
export const HASH_BYTES = 32

/**
 * Gives the hash over `2 ** level` records, of which the first is number `n * 2 ** level`: what is never computed
 * again once those records are there.
 */
export type HashReader = (level: number, n: number) => Promise<Buffer>

/** RFC 6962 §2.1: the hash of a leaf. */
export function recordHash(record: Uint8Array | string): Buffer {
  return createHash('sha256').update('\0').update(record).digest()
}

/** RFC 6962 §2.1: the hash of two halves. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + HASH_BYTES)
  return digest('sha256', bytes, 'buffer')
}

/** RFC 6962 §2.1: the hash of a log without records. */
export const emptyTreeHash: Buffer = digest('sha256', '', 'buffer')

/** The hash over the first `size` records. */
export async function treeHash(size: number, read: HashReader): Promise<Buffer> {
  return size === 0 ? emptyTreeHash : rangeHash(0, size, read)
}

/** The hash over records `from` up to `to`, where those before `from` make whole subtrees. */
export async function rangeHash(from: number, to: number, read: HashReader): Promise<Buffer> {
  const count = to - from
  const half = splitAt(count)
  if (half * 2 === count || count === 1) return read(Math.log2(count), from / count)
  return nodeHash(await rangeHash(from, from + half, read), await rangeHash(from + half, to, read))
}

/** RFC 6962 §2.1: the largest power of two below `count`. Not by bits: a log may have more than 2³¹ records. */
export function splitAt(count: number): number {
  let half = 1
  while (half * 2 < count) half *= 2
  return half
}
