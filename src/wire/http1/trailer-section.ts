import { knownByBytes } from '../../core/header-names.ts'
import { FIELD_STRIDE, Headers } from '../../core/headers.ts'
import { COLON, CR, LF, nonValueBytes, tokenBytes } from './byte-classes.ts'
import { latin1 } from './latin1.ts'
import { isTrailerAllowed } from './trailer-fields.ts'

// What the next byte belongs to.
const START = 0
const NAME = 1
const VALUE = 2
const LINE_LF = 3
const LAST_LF = 4
const COMPLETE = 5
const FAULTY = 6

/** Reads the trailer section of one chunked body at any split (RFC 9112 §7.1.2), as strictly as a request's fields. */
export class TrailerSection {
  state: 'open' | 'done' | 'faulty' = 'open'
  private readonly maxBytes: number
  private readonly maxLines: number
  private expected = START
  private lines = 0
  private text = ''

  constructor(maxBytes: number, maxLines: number) {
    this.maxBytes = maxBytes
    this.maxLines = maxLines
  }

  /** Reads from `bytes[position..end)` and returns the position after what it took. */
  read(bytes: Buffer, position: number, end: number): number {
    const bound = Math.min(end, position + this.maxBytes - this.text.length)
    let expected = this.expected
    let at = position
    while (at < bound && expected < COMPLETE) {
      const after = next(expected, bytes[at]!)
      if (expected === START && after === NAME) this.lines++
      expected = this.lines > this.maxLines ? FAULTY : after
      at++
    }
    this.expected = expected
    this.text += latin1(bytes, position, at)
    if (expected === COMPLETE) this.state = 'done'
    else if (expected === FAULTY || this.text.length >= this.maxBytes) this.state = 'faulty'
    return at
  }

  /** The fields that may be forwarded, or null where there are none. */
  allowed(): Headers | null {
    const { text } = this
    const bytes = Buffer.from(text, 'latin1')
    const fields: number[] = []
    for (let line = 0; line < text.length - 2;) {
      const colon = text.indexOf(':', line)
      fields.push(line, colon, knownByBytes(bytes, line, colon - line))
      line = text.indexOf('\r\n', colon) + 2
    }
    const headers = new Headers(text, fields, text.length - 2)
    let left = false
    for (let at = 0; at < headers.limit; at += FIELD_STRIDE) {
      if (isTrailerAllowed(headers.nameAt(at).toLowerCase())) left = true
      else headers.removeAt(at)
    }
    return left ? headers : null
  }
}

function next(expected: number, byte: number): number {
  switch (expected) {
    case START:
      if (byte === CR) return LAST_LF
      return tokenBytes[byte] === 1 ? NAME : FAULTY
    case NAME:
      if (byte === COLON) return VALUE
      return tokenBytes[byte] === 1 ? NAME : FAULTY
    case VALUE:
      if (byte === CR) return LINE_LF
      return nonValueBytes[byte] === 0 ? VALUE : FAULTY
    case LINE_LF:
      return byte === LF ? START : FAULTY
    default:
      return byte === LF ? COMPLETE : FAULTY
  }
}
