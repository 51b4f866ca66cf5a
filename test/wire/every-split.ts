import assert from 'node:assert/strict'
import * as fc from 'fast-check'

/**
 * Asserts that `read` gives the same result for the whole, for every cut in two, byte by byte and
 * for random cuts; returns that result.
 */
export function everySplit<Result>(bytes: Buffer, read: (pieces: Iterable<Buffer>) => Result): Result {
  const whole = read(pieces(bytes, []))
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(read(pieces(bytes, [cut])), whole, `cut at ${cut} of ${JSON.stringify(bytes.toString('latin1'))}`)
  }
  const each = Array.from({ length: bytes.length }, (_, index) => index)
  assert.deepEqual(read(pieces(bytes, each)), whole, `byte by byte: ${JSON.stringify(bytes.toString('latin1'))}`)
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 8 })
  fc.assert(
    fc.property(cuts, (at) => assert.deepEqual(read(pieces(bytes, at)), whole)),
    { numRuns: 20 },
  )
  return whole
}

/**
 * The bytes in pieces, each inside a larger buffer and wiped once the reader asks for the next, as a
 * socket's reused buffer is: whoever keeps a view of it is found out.
 */
export function* pieces(bytes: Buffer, cuts: number[]): Generator<Buffer> {
  let start = 0
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    const lent = Buffer.alloc(cut - start + 20, '\n')
    bytes.copy(lent, 10, start, cut)
    yield lent.subarray(10, 10 + cut - start)
    lent.fill('\n')
    start = cut
  }
}
