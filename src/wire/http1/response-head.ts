import { TurnpikeError } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { Headers } from '../../core/headers.ts'
import { readBodyFields, replyFraming, type Framing } from './body-framing.ts'
import { CR, DELETE, HTAB, isDigit, LF, SPACE } from './byte-classes.ts'
import { HeadMemo, type Remembered } from './head-memo.ts'
import { FAULTY, HeadParser, MORE, type HeadLimits } from './head-parser.ts'
import { latin1 } from './latin1.ts'

/** A reply head that came before, byte for byte, and what it meant. */
export interface ResponseBlock<Facts> extends Remembered {
  /** Its `headers` are for `fork`. */
  readonly head: ResponseHead<Facts>
  /** What the reader made of it, null until then. */
  facts: Facts | null
}

/** A reply head, made fresh for each reply. */
export class ResponseHead<Facts = unknown> {
  /** 100 to 999. */
  readonly status: number
  /** Reason phrase as received, '' where there is none. */
  readonly reason: string
  /** 0 or 1: any higher minor version is handled as 1 (RFC 9110 §2.5). */
  readonly versionMinor: number
  readonly headers: Headers
  readonly chunked: boolean
  /** -1 where there is no Content-Length. */
  readonly contentLength: number
  /** Size of the head as received. */
  readonly bytes: number
  /** Where it came before: `headers` is a fork of the block's. */
  readonly block: ResponseBlock<Facts> | null

  constructor(
    status: number,
    reason: string,
    versionMinor: number,
    headers: Headers,
    chunked: boolean,
    contentLength: number,
    bytes: number,
    block: ResponseBlock<Facts> | null,
  ) {
    this.status = status
    this.reason = reason
    this.versionMinor = versionMinor
    this.headers = headers
    this.chunked = chunked
    this.contentLength = contentLength
    this.bytes = bytes
    this.block = block
  }

  /** How the body ends, given the method that was asked with (H8). */
  framing(method: string): Framing {
    return replyFraming(method, this.status, this)
  }
}

// Phases of the start line.
const VERSION = 0
const REASON = 1

const prefix = Buffer.from('HTTP/1.1 200')
const MINOR = 7
const STATUS = 9
// Both take linear time: neither begins with a run that it may have to give back.
const foldedLine = /\r\n[ \t]+/g
const blankBeforeColon = /^([^ \t:\r\n]+)[ \t]+:/gm

/** Reads reply heads at any split; one for each upstream connection, used again for each reply. */
export class ResponseHeadParser<Facts = unknown> extends HeadParser {
  head!: ResponseHead<Facts>
  private readonly memo: HeadMemo<ResponseBlock<Facts>>
  private lineEnd = 0
  private sizeBeforeCleaning = 0
  private fieldCount = 0

  /** `memo`: shared by the parsers of one engine. Default: one of its own. */
  constructor(limits: HeadLimits, memo: HeadMemo<ResponseBlock<Facts>> = new HeadMemo()) {
    super(limits, true)
    this.memo = memo
  }

  protected recall(bytes: Buffer, base: number, _at: number, end: number): number {
    const block = this.memo.find(bytes, base, end)
    if (block === null || block.bytes.length > this.limits.headBytes) return MORE
    this.reset()
    const { status, reason, versionMinor, headers, chunked, contentLength } = block.head
    const size = block.bytes.length
    this.head = new ResponseHead(status, reason, versionMinor, headers.fork(), chunked, contentLength, size, block)
    return base + size
  }

  protected learn(bytes: Buffer, base: number, headEnd: number, end: number): void {
    const { status, reason, versionMinor, chunked, contentLength, bytes: size } = this.head
    // A head that was cleaned has other positions than its bytes: neither its old nor its new form is kept.
    if (size !== headEnd - base || this.head.headers.text.length !== size) return
    this.memo.learn(bytes, base, headEnd, end, (kept) => {
      const headers = new Headers(latin1(kept, 0, size), this.fieldsFromOffset(this.fieldCount, 0), size - 2)
      const head = new ResponseHead<Facts>(status, reason, versionMinor, headers, chunked, contentLength, size, null)
      return { bytes: kept, head, facts: null }
    })
  }

  protected readStartLine(bytes: Buffer, base: number, end: number): number {
    let at = base + this.at
    if (this.phase === VERSION) {
      const length = Math.min(end - base, prefix.length)
      for (let index = 0; index < length; index++) {
        const byte = bytes[base + index]!
        const digit = index === MINOR || index >= STATUS
        if (digit ? !isDigit(byte) : byte !== prefix[index]) return this.failSyntax('The status line is malformed.')
      }
      if (length < prefix.length) return MORE
      if (bytes[base + STATUS] === 0x30) return this.failSyntax('The status is below 100.')
      at = base + length
      if (at === end) return MORE
      // RFC 9112 §4 wants a blank even where there is no reason; senders that leave it out are understood.
      if (bytes[at] !== SPACE && bytes[at] !== CR) return this.failSyntax('The status line is malformed.')
      this.phase = REASON
    }
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte < SPACE ? byte !== HTAB : byte === DELETE) break
    }
    this.at = at - base
    if (at === end) return MORE
    if (bytes[at] !== CR) return this.failSyntax('The status line is malformed.')
    if (at + 1 === end) return MORE
    if (bytes[at + 1] !== LF) return this.failSyntax('The status line is malformed.')
    this.lineEnd = at - base
    return at + 2
  }

  protected complete(bytes: Buffer, base: number, end: number): number {
    const text = latin1(bytes, base, end)
    if (this.irregular) return this.readCleaned(text) === FAULTY ? FAULTY : end
    const status = Number(text.slice(STATUS, STATUS + 3))
    const reason = text.slice(STATUS + 4, this.lineEnd)
    const versionMinor = text.charCodeAt(MINOR) === 0x30 ? 0 : 1
    const headers = new Headers(text, this.fields.slice(0, this.fieldsEnd), text.length - 2)
    const size = this.sizeBeforeCleaning || text.length
    this.fieldCount = this.fieldsEnd
    this.sizeBeforeCleaning = 0
    this.reset()

    const framing = readBodyFields(headers, versionMinor)
    // A coding before `chunked` was never asked for, and could not be passed on (no TE is sent).
    if (framing === 'ambiguous' || framing === 'unknown-coding') return this.fail('ERR_UPSTREAM_FRAMING')
    const { chunked, contentLength } = framing
    this.head = new ResponseHead(status, reason, versionMinor, headers, chunked, contentLength, size, null)
    return end
  }

  /** RFC 9112 §5.1 and §5.2: blanks before a colon go, a folded line becomes a blank; then it is read as a regular head. */
  private readCleaned(text: string): number {
    const fields = text.slice(this.lineEnd).replace(foldedLine, ' ').replace(blankBeforeColon, '$1:')
    const clean = Buffer.from(text.slice(0, this.lineEnd) + fields, 'latin1')
    this.reset()
    this.sizeBeforeCleaning = text.length
    return this.read(clean, 0, clean.length)
  }

  protected failTooLarge(): number {
    return this.fail('ERR_UPSTREAM_HEAD_SIZE')
  }

  protected failSyntax(message: string): number {
    return this.fail('ERR_UPSTREAM_HEAD', message)
  }

  private fail(code: ErrorCode, message?: string): number {
    this.reset()
    this.error = new TurnpikeError(code, message === undefined ? {} : { message })
    return FAULTY
  }
}
