/** Which direction of an exchange a body belongs to. */
export type Direction = 'request' | 'reply'

/**
 * The body of one direction of an exchange: every second byte is the exchange's number, the others
 * say where they stand, so that a byte in the wrong place or the wrong exchange shows.
 */
export function bodyOf(id: number, direction: Direction, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from)
  for (let at = from; at < to; at++) bytes[at - from] = byteAt(id, direction, at)
  return bytes
}

/** Where `bytes`, which should stand at `offset` of a body, differ from it: '' where they do not. */
export function foreignByte(id: number, direction: Direction, offset: number, bytes: Buffer): string {
  for (let at = 0; at < bytes.length; at++) {
    const wanted = byteAt(id, direction, offset + at)
    if (bytes[at] === wanted) continue
    const around = bytes.subarray(Math.max(0, at - 4), at + 12).toString('hex')
    return `byte ${offset + at} of ${direction} ${id} is ${bytes[at]!.toString(16)}, not ${wanted.toString(16)} (…${around}…)`
  }
  return ''
}

function byteAt(id: number, direction: Direction, at: number): number {
  if ((at & 1) === 0) return 0x80 | id
  return ((at >> 1) * 31 + (direction === 'request' ? 7 : 0)) & 0x7f
}
