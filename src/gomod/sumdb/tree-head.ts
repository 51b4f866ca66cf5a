import { readBase64 } from './base64.ts'
import { SumdbError } from './sumdb-error.ts'
import { HASH_BYTES } from './tree-hash.ts'

const FIRST_LINE = 'go.sum database tree'

/** The state of a log: how many records it has, and the hash over all of them. */
export interface TreeHead {
  size: number
  hash: Buffer
}

/** The text that is signed for a tree head (G26). */
export function formatTreeHead({ size, hash }: TreeHead): string {
  return `${FIRST_LINE}\n${size}\n${hash.toString('base64')}\n`
}

/** Reads it; what later versions may add below the hash is passed over, as x/mod does. Throws a SumdbError. */
export function parseTreeHead(text: string): TreeHead {
  const [first, count = '', base64 = '', end] = text.split('\n', 4)
  const hash = readBase64(base64)
  const size = Number(count)
  const wellFormed = first === FIRST_LINE && /^(?:0|[1-9][0-9]*)$/.test(count) && Number.isSafeInteger(size)
  if (!wellFormed || hash?.length !== HASH_BYTES || end === undefined) {
    throw new SumdbError('The tree head is malformed')
  }
  return { size, hash }
}
