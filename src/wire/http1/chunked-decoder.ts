import type { Headers } from '../../core/headers.ts'
import { CR, DELETE, hexDigits, HTAB, LF, SPACE } from './byte-classes.ts'
import { TrailerSection } from './trailer-section.ts'

/** Bounds of what a chunked body carries beside its data (H6). */
export interface ChunkedLimits {
  /** Bytes of extensions and zeros before a size, of one chunk; sixteen times that in a whole body. Default 1024. */
  extensionBytes: number
  /** Bytes of the trailer section. Default 8192. */
  trailerBytes: number
  /** Trailer field lines. Default 32. */
  trailerCount: number
}

export const defaultChunkedLimits: ChunkedLimits = { extensionBytes: 1024, trailerBytes: 8192, trailerCount: 32 }

/** Extension bytes of a whole body, as a multiple of those of one chunk. */
const EXTENSION_TOTAL = 16

// What the next byte belongs to.
const SIZE_FIRST = 0
const SIZE = 1
const SIZE_BLANK = 2
const EXTENSION = 3
const SIZE_LF = 4
const DATA = 5
const DATA_CR = 6
const DATA_LF = 7
const TRAILERS = 8

const SEMICOLON = 0x3b

/**
 * Takes a chunked body apart at any split (RFC 9112 §7.1). It is pulled, so that the caller can
 * stop after any piece; pieces of data are positions in the caller's own buffer.
 */
export class ChunkedDecoder {
  /** The piece of data found by the last `next`; empty where both are equal. */
  dataStart = 0
  dataEnd = 0
  /** The last chunk and the trailers were read. */
  done = false
  /** What was malformed or too large; nothing can be read after that. */
  fault: 'chunk' | 'trailer' | null = null
  /** The trailer fields that may be forwarded; null where there are none. */
  trailers: Headers | null = null
  private readonly limits: ChunkedLimits
  private state = SIZE_FIRST
  /** The size while it is read, then the bytes of data to come. */
  private remaining = 0
  private digits = 0
  private extension = 0
  private extensionTotal = 0
  private section: TrailerSection | null = null

  constructor(limits: ChunkedLimits = defaultChunkedLimits) {
    this.limits = limits
  }

  /** Makes it ready for another body. */
  reset(): void {
    this.dataStart = this.dataEnd = 0
    this.done = false
    this.fault = null
    this.trailers = null
    this.state = SIZE_FIRST
    this.remaining = this.digits = this.extension = this.extensionTotal = 0
    this.section = null
  }

  /**
   * Advances through `bytes[position..end)` and returns the new position. With `dataEnd > dataStart`
   * there is a piece of data: hand it on, then call again. Else all bytes were taken, or `done` or
   * `fault` is set, and the position stays where the body ended or broke.
   */
  next(bytes: Buffer, position: number, end: number): number {
    this.dataStart = this.dataEnd = position
    if (this.done || this.fault !== null) return position
    let at = position
    while (at < end) {
      if (this.state === DATA) {
        const stop = Math.min(end, at + this.remaining)
        this.remaining -= stop - at
        if (this.remaining === 0) this.state = DATA_CR
        this.dataStart = at
        this.dataEnd = stop
        return stop
      }
      if (this.state === TRAILERS) {
        this.dataStart = this.dataEnd = this.readTrailers(bytes, at, end)
        return this.dataEnd
      }
      if (!this.step(bytes[at]!)) {
        this.fault = 'chunk'
        return at
      }
      at++
    }
    return at
  }

  /** One byte of a size line or of the line end after data; false where it is malformed. */
  private step(byte: number): boolean {
    switch (this.state) {
      case SIZE_FIRST:
      case SIZE:
        return this.stepSize(byte)
      case SIZE_BLANK:
        return this.stepBlank(byte)
      case EXTENSION:
        if (byte === CR) {
          this.state = SIZE_LF
          return true
        }
        return (byte >= SPACE ? byte !== DELETE : byte === HTAB) && this.countExtension()
      case SIZE_LF:
        this.state = this.remaining === 0 ? TRAILERS : DATA
        return byte === LF
      case DATA_CR:
        this.state = DATA_LF
        return byte === CR
      default:
        this.state = SIZE_FIRST
        this.extension = this.digits = 0
        return byte === LF
    }
  }

  private stepSize(byte: number): boolean {
    const digit = hexDigits[byte]!
    if (digit < 16) {
      this.state = SIZE
      this.digits++
      this.remaining = this.remaining * 16 + digit
      // Zeros in front make no size larger: they are bounded like extensions.
      return this.remaining <= Number.MAX_SAFE_INTEGER && (this.digits <= 16 || this.countExtension())
    }
    if (this.state === SIZE_FIRST) return false
    if (byte === CR) {
      this.state = SIZE_LF
      return true
    }
    return this.stepBlank(byte)
  }

  /** RFC 9112 §7.1.1: blanks may follow the size only where an extension follows them. */
  private stepBlank(byte: number): boolean {
    if (byte !== SEMICOLON && byte !== SPACE && byte !== HTAB) return false
    this.state = byte === SEMICOLON ? EXTENSION : SIZE_BLANK
    return this.countExtension()
  }

  private countExtension(): boolean {
    this.extension++
    this.extensionTotal++
    const { extensionBytes } = this.limits
    return this.extension <= extensionBytes && this.extensionTotal <= extensionBytes * EXTENSION_TOTAL
  }

  private readTrailers(bytes: Buffer, position: number, end: number): number {
    const section = (this.section ??= new TrailerSection(this.limits.trailerBytes, this.limits.trailerCount))
    const after = section.read(bytes, position, end)
    if (section.state === 'faulty') this.fault = 'trailer'
    if (section.state === 'done') {
      this.done = true
      this.trailers = section.allowed()
    }
    return after
  }
}
