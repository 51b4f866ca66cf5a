import { SumdbError } from './sumdb-error.ts'
import { nodeHash, rangeHash, splitAt, type HashReader } from './tree-hash.ts'

/** RFC 6962 §2.1.1: hashes with which record `n` leads to the hash of a tree of `size`. Nearest to the record first. */
export async function proveRecord(size: number, n: number, read: HashReader): Promise<Buffer[]> {
  if (!(n >= 0 && n < size)) throw new RangeError(`There is no record ${n} in a tree of ${size}`)
  const prove = async (from: number, to: number): Promise<Buffer[]> => {
    if (from + 1 === to) return []
    const middle = from + splitAt(to - from)
    return n < middle
      ? [...(await prove(from, middle)), await rangeHash(middle, to, read)]
      : [...(await prove(middle, to)), await rangeHash(from, middle, read)]
  }
  return prove(0, size)
}

/** Whether a proof shows that the record with this hash is number `n` of the tree with `treeHash`. */
export function checkRecord(
  proof: readonly Buffer[],
  size: number,
  treeHash: Buffer,
  n: number,
  recordHash: Buffer,
): boolean {
  if (!(n >= 0 && n < size)) return false
  const left = [...proof]
  const run = (from: number, to: number): Buffer => {
    if (from + 1 === to) return recordHash
    const middle = from + splitAt(to - from)
    const other = take(left)
    return n < middle ? nodeHash(run(from, middle), other) : nodeHash(other, run(middle, to))
  }
  return holds(() => run(0, size).equals(treeHash), left)
}

/** RFC 6962 §2.1.2: hashes that show that the tree of `size` begins with the tree of `oldSize`. */
export async function proveTree(size: number, oldSize: number, read: HashReader): Promise<Buffer[]> {
  if (!(oldSize >= 1 && oldSize <= size)) throw new RangeError(`No tree of ${size} begins with one of ${oldSize}`)
  const prove = async (from: number, to: number): Promise<Buffer[]> => {
    if (oldSize === to) return from === 0 ? [] : [await rangeHash(from, to, read)]
    const middle = from + splitAt(to - from)
    return oldSize <= middle
      ? [...(await prove(from, middle)), await rangeHash(middle, to, read)]
      : [...(await prove(middle, to)), await rangeHash(from, middle, read)]
  }
  return prove(0, size)
}

/** Whether a proof shows that the tree with `treeHash` begins with the one with `oldHash`. */
export function checkTree(
  proof: readonly Buffer[],
  size: number,
  treeHash: Buffer,
  oldSize: number,
  oldHash: Buffer,
): boolean {
  if (!(oldSize >= 1 && oldSize <= size)) return false
  const left = [...proof]
  /** The hash of the old tree's part of a range, and of the whole range. */
  const run = (from: number, to: number): [Buffer, Buffer] => {
    if (oldSize === to) {
      const whole = from === 0 ? oldHash : take(left)
      return [whole, whole]
    }
    const middle = from + splitAt(to - from)
    const other = take(left)
    if (oldSize <= middle) {
      const [old, whole] = run(from, middle)
      return [old, nodeHash(whole, other)]
    }
    const [old, whole] = run(middle, to)
    return [nodeHash(other, old), nodeHash(other, whole)]
  }
  return holds(() => {
    const [old, whole] = run(0, size)
    return old.equals(oldHash) && whole.equals(treeHash)
  }, left)
}

/** Proofs are read from their end: the outermost hash is the last one. */
function take(proof: Buffer[]): Buffer {
  const hash = proof.pop()
  if (hash === undefined) throw new SumdbError('The proof is too short')
  return hash
}

/** True where the check holds and has used all of the proof. */
function holds(check: () => boolean, left: readonly Buffer[]): boolean {
  try {
    return check() && left.length === 0
  } catch (error) {
    if (error instanceof SumdbError) return false
    throw error
  }
}
