/** One value of DER: its tag, what is in it, and all of its bytes. */
export interface DerValue {
  tag: number
  content: Buffer
  whole: Buffer
}

/** Reads the values that stand in DER one behind the other. Throws a RangeError where a length does not fit. */
export class DerReader {
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get done(): boolean {
    return this.at === this.bytes.length
  }

  next(): DerValue {
    const start = this.at
    const tag = this.byte()
    const first = this.byte()
    let length = first
    // X.690 §8.1.3.5; no certificate of ours is longer than two bytes can say.
    if (first === 0x81) length = this.byte()
    else if (first === 0x82) length = (this.byte() << 8) | this.byte()
    else if (first > 0x80) throw new RangeError('a length that is not for a certificate')
    const from = this.at
    this.at += length
    if (this.at > this.bytes.length) throw new RangeError('a length that does not fit')
    return { tag, content: this.bytes.subarray(from, this.at), whole: this.bytes.subarray(start, this.at) }
  }

  /** The next value where it has that tag, else null. */
  nextIf(tag: number): DerValue | null {
    return this.bytes[this.at] === tag ? this.next() : null
  }

  /** What stands in the next value. */
  into(): DerReader {
    return new DerReader(this.next().content)
  }

  private byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new RangeError('a value that is cut off')
    return value
  }
}
