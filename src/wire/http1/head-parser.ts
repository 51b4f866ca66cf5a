import { FIELD_STRIDE } from '../../core/headers.ts'
import { knownByBytes } from '../../core/header-names.ts'
import type { TurnpikeError } from '../../core/error.ts'
import { COLON, CR, HTAB, LF, nonValueBytes, SPACE, tokenBytes } from './byte-classes.ts'

/** Bounds of one message head (H11). */
export interface HeadLimits {
  /** Bytes from the first of the start line to the end of the empty line. Default 32768. */
  headBytes: number
  /** Header field lines. Default 100. */
  headerCount: number
  /** Bytes of the request target. Default 8192. */
  targetBytes: number
}

export const defaultHeadLimits: HeadLimits = { headBytes: 32_768, headerCount: 100, targetBytes: 8_192 }

/** `read` wants more bytes. */
export const MORE = -1
/** `read` found a fault. */
export const FAULTY = -2

const FIRST_KEPT_BYTES = 1024

/** What is next: anything below NAME belongs to the start line. */
export const NAME = 100
const BLANK_NAME = 101
const VALUE = 102

/**
 * The part that both directions share: bytes in, field positions out, at any split. Every byte is
 * looked at once; positions count from the head's first byte, so that they hold in whichever
 * buffer the head is. A head that comes in one piece is never copied; a split one is kept in a
 * buffer that lives no longer than the head.
 */
export abstract class HeadParser {
  error!: TurnpikeError
  protected readonly limits: HeadLimits
  /** Whether a blank before a colon and a folded line are passed over (replies) or refused (requests). */
  private readonly lenient: boolean
  /** Whether one of those was met, so that the text must be cleaned. */
  protected irregular = false
  protected phase = 0
  /** How far it was read. */
  protected at = 0
  /** Three numbers a field, as Headers has them; written over by the next head. */
  protected readonly fields: number[] = []
  protected fieldsEnd = 0
  /** Where the field lines begin. */
  protected fieldsFrom = 0
  /** The last head had been read before. */
  private recalled = false
  private lineStart = 0
  private kept: Buffer | null = null
  private keptLength = 0

  constructor(limits: HeadLimits, lenient: boolean) {
    this.limits = limits
    this.lenient = lenient
  }

  /** Whether some bytes of a head have been taken, and not yet all. */
  get started(): boolean {
    return this.keptLength > 0
  }

  /** Forgets what was read of a head. */
  reset(): void {
    this.kept = null
    this.keptLength = 0
    this.phase = 0
    this.at = 0
    this.lineStart = 0
    this.irregular = false
    this.fieldsEnd = 0
  }

  /**
   * Reads from `bytes[start..end)`. Returns the position after the head where it is complete, MORE
   * (-1) where all bytes were taken and more must come, or FAULTY (-2) with `error` set.
   */
  read(bytes: Buffer, start: number, end: number): number {
    if (this.kept === null) {
      this.recalled = false
      const after = this.advance(bytes, start, end)
      if (after === MORE) this.keep(bytes, start, end)
      else if (after > 0 && !this.recalled) this.learn(bytes, start, after, end)
      return after
    }
    const before = this.keptLength
    this.keep(bytes, start, Math.min(end, start + this.limits.headBytes - before))
    const after = this.advance(this.kept, 0, this.keptLength)
    return after < 0 ? after : start + after - before
  }

  /** Reads the start line from `bytes[base + this.at]`: the position after it, MORE or FAULTY. */
  protected abstract readStartLine(bytes: Buffer, base: number, end: number): number
  /** After the start line: the end of a head that was read before, byte for byte, or MORE. */
  protected abstract recall(bytes: Buffer, base: number, at: number, end: number): number
  /** `bytes[base..headEnd)` was read, out of what ended at `end`: it may come again. */
  protected abstract learn(bytes: Buffer, base: number, headEnd: number, end: number): void
  /** The head is `bytes[base..end)`. Returns `end` or FAULTY; must reset. */
  protected abstract complete(bytes: Buffer, base: number, end: number): number
  protected abstract failTooLarge(): number
  protected abstract failSyntax(message: string): number

  /** The positions of the last head's fields, counted from `offset`. */
  protected fieldsFromOffset(count: number, offset: number): number[] {
    return this.fields.slice(0, count).map((value, at) => (at % FIELD_STRIDE === 2 ? value : value - offset))
  }

  private keep(bytes: Buffer, start: number, end: number): void {
    const length = this.keptLength + end - start
    if (this.kept === null || this.kept.length < length) {
      if (length === 0) return
      let size = FIRST_KEPT_BYTES
      while (size < length) size *= 2
      // Not from the shared pool: one kept byte would hold a whole slab.
      const grown = Buffer.allocUnsafeSlow(size)
      this.kept?.copy(grown, 0, 0, this.keptLength)
      this.kept = grown
    }
    bytes.copy(this.kept, this.keptLength, start, end)
    this.keptLength = length
  }

  private advance(bytes: Buffer, base: number, limit: number): number {
    const end = Math.min(limit, base + this.limits.headBytes)
    let after = MORE
    if (this.phase < NAME) {
      after = this.readStartLine(bytes, base, end)
      if (after >= 0) {
        this.phase = NAME
        this.at = this.lineStart = after - base
        this.fieldsFrom = after - base
        if (this.kept === null) {
          const known = this.recall(bytes, base, after, limit)
          if (known !== MORE) {
            this.recalled = true
            return known
          }
        }
      }
    }
    if (this.phase >= NAME) after = this.readFields(bytes, base, end)
    if (after === MORE && end - base >= this.limits.headBytes) return this.failTooLarge()
    return after
  }

  private readFields(bytes: Buffer, base: number, end: number): number {
    const fields = this.fields
    let phase = this.phase
    let at = base + this.at
    let line = base + this.lineStart
    for (;;) {
      if (phase === NAME) {
        at = tokenEnd(bytes, at, end)
        if (at === end) break
        const byte = bytes[at]!
        if (at === line) {
          if (byte === CR) {
            if (at + 1 === end) break
            return bytes[at + 1] === LF
              ? this.complete(bytes, base, at + 2)
              : this.failSyntax('A header line is not ended by CRLF.')
          }
          // RFC 9112 §5.2: a folded line goes on with the value of the line before.
          if (this.lenient && (byte === SPACE || byte === HTAB) && this.fieldsEnd > 0) {
            this.irregular = true
            phase = VALUE
            continue
          }
        }
        if (byte !== COLON || at === line) {
          // RFC 9112 §5.1: a proxy removes the blank between name and colon of a reply.
          if (!this.lenient || at === line || (byte !== SPACE && byte !== HTAB)) {
            return this.failSyntax('A header name is malformed.')
          }
          this.irregular = true
          phase = BLANK_NAME
          continue
        }
      }
      if (phase === BLANK_NAME) {
        while (at < end && (bytes[at] === SPACE || bytes[at] === HTAB)) at++
        if (at === end) break
        if (bytes[at] !== COLON) return this.failSyntax('A header name is malformed.')
        phase = NAME
      }
      if (phase === NAME) {
        const field = this.fieldsEnd
        if (field === this.limits.headerCount * FIELD_STRIDE) return this.failTooLarge()
        fields[field] = line - base
        fields[field + 1] = at - base
        fields[field + 2] = knownByBytes(bytes, line, at - line)
        this.fieldsEnd = field + FIELD_STRIDE
        at++
        phase = VALUE
      }
      at = valueEnd(bytes, at, end)
      if (at === end) break
      if (bytes[at] !== CR) return this.failSyntax('A header value holds a control byte.')
      if (at + 1 === end) break
      if (bytes[at + 1] !== LF) return this.failSyntax('A header line is not ended by CRLF.')
      at += 2
      line = at
      phase = NAME
    }
    this.phase = phase
    this.at = at - base
    this.lineStart = line - base
    return MORE
  }
}

/** Where the token at `at` ends. */
function tokenEnd(bytes: Buffer, at: number, end: number): number {
  while (at < end && tokenBytes[bytes[at]!] === 1) at++
  return at
}

/**
 * Where the field value at `at` ends: at its CR or at a byte that it may not hold. Four bytes a step
 * by table: some tenth of a whole 540-byte head less than byte by byte. Finding line ends in the text
 * and checking it by a regular expression was no faster.
 */
function valueEnd(bytes: Buffer, at: number, end: number): number {
  while (
    at + 3 < end &&
    (nonValueBytes[bytes[at]!]! |
      nonValueBytes[bytes[at + 1]!]! |
      nonValueBytes[bytes[at + 2]!]! |
      nonValueBytes[bytes[at + 3]!]!) ===
      0
  ) {
    at += 4
  }
  while (at < end && nonValueBytes[bytes[at]!] === 0) at++
  return at
}
