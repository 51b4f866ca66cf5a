import { known } from '../../core/header-names.ts'
import { FIELD_STRIDE, Headers } from '../../core/headers.ts'
import { TurnpikeError } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { isAuthority } from './authority.ts'
import { readBodyFields } from './body-framing.ts'
import { CR, DELETE, isDigit, LF, SPACE, tokenBytes } from './byte-classes.ts'
import { latin1 } from './latin1.ts'
import { HeadMemo, type Remembered } from './head-memo.ts'
import { FAULTY, HeadParser, MORE, type HeadLimits } from './head-parser.ts'

/** The field lines of a request that came before, byte for byte, and what they meant. */
export interface RequestBlock<Facts> extends Remembered {
  /** For `fork`. */
  readonly headers: Headers
  readonly chunked: boolean
  readonly contentLength: number
  readonly host: string
  /** What the reader made of them, null until then. */
  facts: Facts | null
}

/** A request head, made fresh for each request. */
export class RequestHead<Facts = unknown> {
  readonly method: string
  /** The request target as received; bytes above 0x7f are let through. */
  readonly target: string
  /** 0 or 1: any higher minor version is handled as 1 (RFC 9110 §2.5). */
  readonly versionMinor: number
  readonly headers: Headers
  readonly chunked: boolean
  /** -1 where there is no Content-Length. */
  readonly contentLength: number
  /** The Host field as received, its syntax checked; null where there is none (HTTP/1.0). */
  readonly host: string | null
  /** Size of the head. */
  readonly bytes: number
  /** Where its field lines came before: `headers` is a fork of the block's. */
  readonly block: RequestBlock<Facts> | null

  constructor(
    method: string,
    target: string,
    versionMinor: number,
    headers: Headers,
    chunked: boolean,
    contentLength: number,
    host: string | null,
    bytes: number,
    block: RequestBlock<Facts> | null,
  ) {
    this.method = method
    this.target = target
    this.versionMinor = versionMinor
    this.headers = headers
    this.chunked = chunked
    this.contentLength = contentLength
    this.host = host
    this.bytes = bytes
    this.block = block
  }
}

// Phases of the start line.
const START = 0
const METHOD = 1
const TARGET = 2
const VERSION = 3

const HASH = 0x23
const SLASH = 0x2f
const ONE = 0x31
const version = Buffer.from('HTTP/1.1\r\n')
const MAJOR = 5
const MINOR = 7
const absoluteForm = /^https?:\/\/([^/?]+)/i

/** Reads request heads at any split; one for each client connection, used again for each request. */
export class RequestHeadParser<Facts = unknown> extends HeadParser {
  head!: RequestHead<Facts>
  private readonly memo: HeadMemo<RequestBlock<Facts>>
  private methodStart = 0
  private methodEnd = 0
  private targetEnd = 0
  private fieldCount = 0

  /** `memo`: shared by the parsers of one listener. Default: one of its own. */
  constructor(limits: HeadLimits, memo: HeadMemo<RequestBlock<Facts>> = new HeadMemo()) {
    super(limits, false)
    this.memo = memo
  }

  /** An empty line alone, as some clients send after a body, starts nothing: the connection stays idle. */
  override get started(): boolean {
    return super.started && (this.phase !== METHOD || this.at > this.methodStart)
  }

  protected readStartLine(bytes: Buffer, base: number, end: number): number {
    let at = base + this.at
    if (this.phase === START) {
      if (at === end) return MORE
      // RFC 9112 §2.2: one empty line before the request line is ignored.
      if (bytes[at] === CR) {
        if (at + 1 === end) return MORE
        if (bytes[at + 1] !== LF) return this.fail('ERR_REQUEST_LINE')
        at += 2
      }
      this.methodStart = at - base
      this.phase = METHOD
    }
    if (this.phase === METHOD) {
      while (at < end && tokenBytes[bytes[at]!] === 1) at++
      if (at < end) {
        this.methodEnd = at - base
        if (bytes[at] !== SPACE || this.methodEnd === this.methodStart) return this.fail('ERR_REQUEST_LINE')
        this.phase = TARGET
        at++
      }
    }
    if (this.phase === TARGET) {
      const targetStart = base + this.methodEnd + 1
      const bound = Math.min(end, targetStart + this.limits.targetBytes + 1)
      while (at < bound) {
        const byte = bytes[at]!
        if (byte <= SPACE || byte === DELETE || byte === HASH) break
        at++
      }
      if (at < bound) {
        this.targetEnd = at - base
        if (bytes[at] !== SPACE || at === targetStart) return this.fail('ERR_REQUEST_LINE')
        this.phase = VERSION
        at++
      } else if (at - targetStart > this.limits.targetBytes) {
        return this.fail('ERR_TARGET_TOO_LONG')
      }
    }
    this.at = at - base
    return this.phase === VERSION ? this.readVersion(bytes, at, end) : MORE
  }

  /** `HTTP/d.d` and the line's end; looked at anew while it comes in pieces. */
  private readVersion(bytes: Buffer, start: number, end: number): number {
    const length = Math.min(end - start, version.length)
    for (let index = 0; index < length; index++) {
      const byte = bytes[start + index]!
      if (index === MAJOR || index === MINOR ? !isDigit(byte) : byte !== version[index])
        return this.fail('ERR_REQUEST_LINE')
    }
    if (length < version.length) return MORE
    return bytes[start + MAJOR] === version[MAJOR] ? start + length : this.fail('ERR_HTTP_VERSION')
  }

  /** Only with a Host and HTTP/1.1: with both, the rules on Host are the same for every form but CONNECT's. */
  protected recall(bytes: Buffer, base: number, at: number, end: number): number {
    if (bytes[at - 3] !== ONE) return MORE
    const block = this.memo.find(bytes, at, end)
    if (block === null || at + block.bytes.length - base > this.limits.headBytes) return MORE
    const line = latin1(bytes, base, at)
    const method = line.slice(this.methodStart, this.methodEnd)
    if (method === 'CONNECT') return MORE
    const target = line.slice(this.methodEnd + 1, this.targetEnd)
    if (target.charCodeAt(0) !== SLASH && !isTarget(method, target)) return MORE
    this.reset()
    const { headers, chunked, contentLength, host, bytes: fields } = block
    const size = at - base + fields.length
    this.head = new RequestHead(method, target, 1, headers.fork(), chunked, contentLength, host, size, block)
    return base + size
  }

  protected learn(bytes: Buffer, base: number, headEnd: number, end: number): void {
    const { host, versionMinor, method, chunked, contentLength } = this.head
    if (host === null || host === '' || versionMinor === 0 || method === 'CONNECT') return
    this.memo.learn(bytes, base + this.fieldsFrom, headEnd, end, (kept) => {
      const fields = this.fieldsFromOffset(this.fieldCount, this.fieldsFrom)
      const headers = new Headers(latin1(kept, 0, kept.length), fields, kept.length - 2)
      return { bytes: kept, headers, chunked, contentLength, host, facts: null }
    })
  }

  protected complete(bytes: Buffer, base: number, end: number): number {
    const text = latin1(bytes, base, end)
    const method = text.slice(this.methodStart, this.methodEnd)
    const target = text.slice(this.methodEnd + 1, this.targetEnd)
    const versionMinor = text.charCodeAt(this.targetEnd + 1 + MINOR) === 0x30 ? 0 : 1
    const headers = new Headers(text, this.fields.slice(0, this.fieldsEnd), text.length - 2)
    this.fieldCount = this.fieldsEnd
    this.reset()

    if (!isTarget(method, target)) return this.fail('ERR_REQUEST_LINE', 'The request target is malformed.')
    const hostAt = headers.find(known.host)
    const host = hostAt < 0 ? null : headers.valueAt(hostAt)
    if (!isHost(host, target, versionMinor) || (hostAt >= 0 && headers.find(known.host, hostAt + FIELD_STRIDE) >= 0)) {
      return this.fail('ERR_HOST')
    }
    const framing = readBodyFields(headers, versionMinor)
    if (framing === 'unknown-coding') return this.fail('ERR_TRANSFER_CODING')
    // H4: a request whose last coding is not chunked has no end (RFC 9112 §6.3).
    if (framing === 'ambiguous' || framing.unbounded) return this.fail('ERR_FRAMING')
    this.head = new RequestHead(
      method,
      target,
      versionMinor,
      headers,
      framing.chunked,
      framing.contentLength,
      host,
      text.length,
      null,
    )
    return end
  }

  protected failTooLarge(): number {
    return this.fail('ERR_HEAD_TOO_LARGE')
  }

  protected failSyntax(message: string): number {
    return this.fail('ERR_HEADER_SYNTAX', message)
  }

  private fail(code: ErrorCode, message?: string): number {
    this.reset()
    this.error = new TurnpikeError(code, message === undefined ? {} : { message })
    return FAULTY
  }
}

/** The four forms of RFC 9112 §3.2. */
function isTarget(method: string, target: string): boolean {
  if (method === 'CONNECT') return isAuthority(target) && /:\d+$/.test(target)
  if (target.charCodeAt(0) === SLASH) return true
  if (target === '*') return method === 'OPTIONS'
  const authority = absoluteForm.exec(target)?.[1]
  return authority !== undefined && isAuthority(authority)
}

/** H10. An empty Host stands only where the target does not rest on it (RFC 9112 §3.2). */
function isHost(host: string | null, target: string, versionMinor: number): boolean {
  if (host === null) return versionMinor === 0
  return host === '' ? target.charCodeAt(0) !== SLASH : isAuthority(host)
}
