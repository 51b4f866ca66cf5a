const NEWLINE = 10

/**
 * The last lines, in one buffer that is never grown. New lines go over the oldest ones, whether
 * those were taken by the reader or not: what it missed is counted as dropped.
 *
 * A line never goes around the end of the buffer, so `ring.indexOf` sees it whole.
 */
export class LineRing {
  /** Lines that went over unread. */
  dropped = 0
  private readonly ring: Buffer
  /** Whether somebody reads: without a reader nothing can be dropped. */
  private readonly hasReader: boolean
  /** Where the next line goes. */
  private end = 0
  /** Where the lap before this one ended; 0 in the first lap. */
  private lapEnd = 0
  /** First unread byte, in the lap before this one where `behind`. */
  private reader = 0
  private behind = false
  /** A line may go up to here without a closer look. */
  private limit: number

  /** `bytes`: size of the buffer; what is longer is not kept. */
  constructor(bytes: number, hasReader: boolean) {
    this.ring = Buffer.alloc(bytes)
    this.hasReader = hasReader
    this.limit = bytes
  }

  /** Keeps ASCII lines, each of which ends in `\n`. */
  add(lines: string): void {
    const length = lines.length
    if (this.end + length > this.limit && !this.makeRoom(length)) {
      this.dropped += lines.split('\n').length - 1
      return
    }
    this.ring.latin1Write(lines, this.end, length)
    this.end += length
  }

  /** Bytes that the reader has not taken. */
  get waiting(): number {
    return this.behind ? this.lapEnd - this.reader + this.end : this.end - this.reader
  }

  /** Copies unread lines, whole ones, to `target` from `start` on; returns how many bytes. */
  take(target: Buffer, start: number): number {
    if (this.behind && this.reader === this.lapEnd) this.catchUp()
    const until = this.behind ? this.lapEnd : this.end
    let last = Math.min(until, this.reader + target.length - start)
    if (last < until) last = this.ring.lastIndexOf(NEWLINE, last - 1) + 1
    if (last <= this.reader) return 0
    const taken = this.ring.copy(target, start, this.reader, last)
    this.reader = last
    if (this.behind) this.limit = last
    return taken
  }

  /** The newest line that holds `needle`, without its end; null where it is no longer (or never was) here. */
  find(needle: string): string | null {
    const recent = this.end === 0 ? null : this.lineAt(this.ring.subarray(0, this.end), needle)
    if (recent !== null) return recent
    // What is left of the lap before: the first line there may be half gone, and then does not start as a line does.
    return this.lapEnd > this.end ? this.lineAt(this.ring.subarray(this.end, this.lapEnd), needle) : null
  }

  private lineAt(part: Buffer, needle: string): string | null {
    const at = part.lastIndexOf(needle, part.length, 'latin1')
    if (at < 0) return null
    const start = part.lastIndexOf(NEWLINE, at) + 1
    const line = part.toString('latin1', start, part.indexOf(NEWLINE, at))
    return line.startsWith('{') ? line : null
  }

  /** False where it is too long to keep. */
  private makeRoom(length: number): boolean {
    if (this.behind && this.reader === this.lapEnd) this.catchUp()
    const size = this.ring.length
    if (length > size) return false
    if (this.end + length > size) {
      if (this.behind) this.drop(this.lapEnd)
      this.lapEnd = this.end
      this.end = 0
      this.behind = this.hasReader
    }
    while (this.behind && this.end + length > this.reader) this.drop(this.ring.indexOf(NEWLINE, this.reader) + 1)
    this.limit = this.behind ? this.reader : size
    return true
  }

  /** The reader misses the lines from where it is until `until`. */
  private drop(until: number): void {
    while (this.reader < until) {
      this.reader = this.ring.indexOf(NEWLINE, this.reader) + 1
      this.dropped++
    }
    if (this.reader >= this.lapEnd) this.catchUp()
  }

  private catchUp(): void {
    this.reader = 0
    this.behind = false
    this.limit = this.ring.length
  }
}
