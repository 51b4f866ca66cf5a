import { flatText } from './flat-text.ts'
import { known, knownByName, type KnownHeader } from './header-names.ts'
import { TurnpikeError } from './error.ts'

/** Smis per field in `fields`: where its line starts, where its colon is, which known field it is. */
export const FIELD_STRIDE = 3
const REMOVED = -1

/** RFC 9110 §7.6.1: the protocol writes these, and ingress takes them off; nobody adds them to a message. */
const ofConnection = /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|http2-settings)$/i

const tokenSyntax = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// RFC 9110 §5.5: no CR, LF, NUL; the other control bytes but HTAB are refused too.
const valueSyntax = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The header fields of one message, in order, names in any case.
 *
 * Received fields stay in the head's own text and are only cut out when asked for; what is
 * forwarded unchanged leaves as whole runs of that text (2 µs a request cheaper than pairs).
 * Added fields follow the received ones. Names passed in are lower case.
 */
export class Headers {
  /** The received head, latin1; '' when made here. Every line ends in CRLF. */
  text: string
  private fields: number[]
  /** Where the last received line ends in `text`. */
  private end: number
  private removed = 0
  private added: string[] | null = null
  /** `fields` is another's too: copied before the first change. */
  private shared = false
  /** The received lines that are left, where they were put together before. */
  private lines: string | null = null
  /** What this is a fork of, while it has the same received fields. */
  private template: Headers | null = null
  /** See `keptHead`; that of a template is for its forks. */
  private head = ''

  constructor(text = '', fields: number[] = [], end = 0) {
    this.text = text
    this.fields = fields
    this.end = end
  }

  /** The same received fields, to be changed on their own; for heads that come again and again. */
  fork(): Headers {
    this.lines ??= flatText(this.runs())
    this.shared = true
    const fork = new Headers(this.text, this.fields, this.end)
    fork.removed = this.removed
    fork.shared = true
    fork.lines = this.lines
    fork.template = this
    return fork
  }

  /** The received fields are still those of the template that it is a fork of; others may have been added. Null where they are not. */
  get intact(): Headers | null {
    return this.template
  }

  /** Takes a template's received fields in place of its own. What was added stays. */
  become(template: Headers): void {
    template.lines ??= flatText(template.runs())
    template.shared = true
    this.text = template.text
    this.fields = template.fields
    this.end = template.end
    this.removed = template.removed
    this.lines = template.lines
    this.shared = true
    this.template = template
  }

  /** The head that was made of the received fields before, as far as the added ones; '' for none. Only of those that are `intact`. */
  get keptHead(): string {
    return this.template === null ? '' : this.template.head
  }

  set keptHead(text: string) {
    if (this.template !== null) this.template.head = text
  }

  /** Fields made here. Throws ERR_HEADER_SYNTAX for a name or value that would break the message. */
  static from(pairs: Iterable<readonly [string, string]>): Headers {
    const headers = new Headers()
    for (const [name, value] of pairs) headers.append(name, value)
    return headers
  }

  /** The first value of a field, without blanks around it, or undefined. */
  get(name: string): string | undefined {
    const id = knownByName(name)
    if (id !== known.other) {
      const at = this.find(id)
      if (at >= 0) return this.valueAt(at)
    } else {
      for (let at = 0; at < this.fields.length; at += FIELD_STRIDE) if (this.isNamed(at, name)) return this.valueAt(at)
    }
    const added = this.added
    if (added !== null) for (let at = 0; at < added.length; at += 2) if (isSame(added[at]!, name)) return added[at + 1]
    return undefined
  }

  /** Whether a field of that name was added, rather than received. */
  hasAdded(name: string): boolean {
    const { added } = this
    if (added === null) return false
    for (let at = 0; at < added.length; at += 2) if (isSame(added[at]!, name)) return true
    return false
  }

  /** Every value of a field, in order. */
  getAll(name: string): string[] {
    const values: string[] = []
    const id = knownByName(name)
    for (let at = 0; at < this.fields.length; at += FIELD_STRIDE) {
      if (id !== known.other ? this.fields[at + 2] === id : this.isNamed(at, name)) values.push(this.valueAt(at))
    }
    const { added } = this
    if (added !== null)
      for (let at = 0; at < added.length; at += 2) if (isSame(added[at]!, name)) values.push(added[at + 1]!)
    return values
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** One field of that name with that value, in place of all there were. */
  set(name: string, value: string): void {
    this.delete(name)
    this.append(name, value)
  }

  /** One more field at the end. Throws ERR_HEADER_SYNTAX for what would break the message, hop-by-hop fields too. */
  append(name: string, value: string): void {
    if (!tokenSyntax.test(name) || !valueSyntax.test(value) || ofConnection.test(name)) {
      throw new TurnpikeError('ERR_HEADER_SYNTAX', {
        message: `The header field ${JSON.stringify(name)} ${ofConnection.test(name) ? 'is written by Turnpike itself' : 'is malformed'}.`,
      })
    }
    this.appendChecked(name, value)
  }

  /** One more field at the end, of which it is known that it breaks no message: a name of ours, and a value of printable ASCII. */
  appendChecked(name: string, value: string): void {
    ;(this.added ??= []).push(name, value)
  }

  /** Removes every field of that name; true where there was one. */
  delete(name: string): boolean {
    let found = false
    const id = knownByName(name)
    for (let at = 0; at < this.fields.length; at += FIELD_STRIDE) {
      if (id !== known.other ? this.fields[at + 2] === id : this.isNamed(at, name)) {
        this.removeAt(at)
        found = true
      }
    }
    const added = this.added
    if (added !== null) {
      for (let at = added.length - 2; at >= 0; at -= 2) {
        if (!isSame(added[at]!, name)) continue
        added.splice(at, 2)
        found = true
      }
    }
    return found
  }

  /** Received fields first, then added ones: `[name as sent, value]`. */
  *[Symbol.iterator](): Generator<[string, string]> {
    for (let at = 0; at < this.fields.length; at += FIELD_STRIDE) {
      if (this.fields[at + 2] !== REMOVED) yield [this.nameAt(at), this.valueAt(at)]
    }
    const added = this.added
    if (added !== null) for (let at = 0; at < added.length; at += 2) yield [added[at]!, added[at + 1]!]
  }

  /** Position of the first received field with that id from `from` on, or -1. Positions step by FIELD_STRIDE. */
  find(id: KnownHeader, from = 0): number {
    const fields = this.fields
    for (let at = from; at < fields.length; at += FIELD_STRIDE) if (fields[at + 2] === id) return at
    return -1
  }

  /** Where positions end: `for (let at = 0; at < headers.limit; at += FIELD_STRIDE)`. */
  get limit(): number {
    return this.fields.length
  }

  /** The known id at a position; -1 where the field was removed. */
  idAt(at: number): number {
    return this.fields[at + 2]!
  }

  /** The name as received at a position. */
  nameAt(at: number): string {
    return this.text.slice(this.fields[at], this.fields[at + 1])
  }

  /** The value at a position, without the blanks around it (RFC 9112 §5). */
  valueAt(at: number): string {
    const { text, fields } = this
    let start = fields[at + 1]! + 1
    let end = (at + FIELD_STRIDE < fields.length ? fields[at + FIELD_STRIDE]! : this.end) - 2
    while (start < end && isBlank(text.charCodeAt(start))) start++
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--
    return text.slice(start, end)
  }

  removeAt(at: number): void {
    if (this.fields[at + 2] === REMOVED) return
    if (this.shared) {
      this.fields = this.fields.slice()
      this.shared = false
    }
    this.template = null
    this.lines = null
    this.fields[at + 2] = REMOVED
    this.removed++
  }

  /** All fields as header lines, each ending in CRLF; no empty line at the end. */
  toText(): string {
    return this.receivedLines() + this.addedLines()
  }

  /** The received fields that are left, as header lines. */
  receivedLines(): string {
    return this.lines ?? this.runs()
  }

  /** The fields that were not received, as header lines. */
  addedLines(): string {
    const { added } = this
    let lines = ''
    if (added !== null) for (let at = 0; at < added.length; at += 2) lines += `${added[at]}: ${added[at + 1]}\r\n`
    return lines
  }

  /** Runs of the received text. */
  private runs(): string {
    const { text, fields } = this
    if (this.removed === 0) return fields.length > 0 ? text.slice(fields[0], this.end) : ''
    let lines = ''
    let at = 0
    while (at < fields.length) {
      while (at < fields.length && fields[at + 2] === REMOVED) at += FIELD_STRIDE
      if (at >= fields.length) break
      const start = fields[at]
      while (at < fields.length && fields[at + 2] !== REMOVED) at += FIELD_STRIDE
      lines += text.slice(start, at < fields.length ? fields[at] : this.end)
    }
    return lines
  }

  private isNamed(at: number, name: string): boolean {
    const start = this.fields[at]!
    const colon = this.fields[at + 1]!
    return (
      colon - start === name.length &&
      this.fields[at + 2] !== REMOVED &&
      // Most names differ in their first letter, and cutting one out costs more than that look.
      (this.text.charCodeAt(start) | 0x20) === (name.charCodeAt(0) | 0x20) &&
      this.text.slice(start, colon).toLowerCase() === name
    )
  }
}

/** Whether a name in any case is a lower-case one. */
function isSame(name: string, lower: string): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
