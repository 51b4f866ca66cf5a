/** What a checksum database said cannot be believed, or cannot be read. */
export class SumdbError extends Error {
  /** Two signed tree heads and the hashes that show that one does not lead to the other; null where that is not it. */
  readonly proof: string | null

  constructor(message: string, proof: string | null = null) {
    super(message)
    this.name = 'SumdbError'
    this.proof = proof
  }
}
