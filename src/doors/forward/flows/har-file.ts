import { constants } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { TurnpikeError } from '../../../core/error.ts'

const SEPARATOR = Buffer.from(',\n')
const TAIL = Buffer.from('\n]}}\n')
const HEAD = /^\{"log":\{"version":"1\.2","creator":\{"name":"Turnpike","version":"[^"\n]*"\},"entries":\[/
const CHUNK_BYTES = 256 * 1024
const { O_CREAT, O_RDWR, O_NOFOLLOW } = constants

/**
 * A HAR file that is appended to. Each entry is a line, and what is written is entries with the closing brackets behind
 * them, over those that were there: the file is a whole HAR after each write, and one that was cut off in the middle of a
 * write is made whole by the next opening. One call at a time.
 */
export class HarFile {
  /** Where it grows beyond, its older half goes. */
  maxBytes: number
  private readonly path: string
  private handle: FileHandle
  private readonly head: Buffer
  /** Where the closing brackets begin. */
  private end: number
  /** There may be something behind the closing brackets. */
  private untidy = true

  private constructor(path: string, maxBytes: number, handle: FileHandle, head: Buffer, end: number) {
    this.path = path
    this.maxBytes = maxBytes
    this.handle = handle
    this.head = head
    this.end = end
  }

  /** Goes on with what is there. Throws ERR_FLOWS_FILE where it cannot be opened, or is another's. */
  static async open(path: string, version: string, maxBytes: number): Promise<HarFile> {
    let handle: FileHandle | null = null
    try {
      // What is recorded is for the owner's eyes alone.
      handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
      await handle.chmod(0o600)
      const { size } = await handle.stat()
      const start = await read(handle, 0, Math.min(size, 1024))
      const head = size === 0 ? headOf(version) : Buffer.from(HEAD.exec(start.toString('latin1'))?.[0] ?? '', 'latin1')
      if (head.length === 0)
        throw new TurnpikeError('ERR_FLOWS_FILE', {
          message: `${path} is there already, and is not one that Turnpike wrote.`,
        })
      const file = new HarFile(
        path,
        maxBytes,
        handle,
        head,
        size === 0 ? head.length : await entriesEnd(handle, head.length, size),
      )
      if (size === 0) await file.put(0, [head, TAIL])
      else await file.put(file.end, [TAIL])
      return file
    } catch (cause) {
      await handle?.close()
      if (cause instanceof TurnpikeError) throw cause
      const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      throw new TurnpikeError('ERR_FLOWS_FILE', { message: `${path} could not be opened: ${why}.`, cause })
    }
  }

  /** Adds entries, each a JSON text in one line. Returns how many were left out: those that are larger than the file may be. */
  async append(entries: readonly string[]): Promise<number> {
    let left = 0
    let pieces: Buffer[] = []
    let bytes = 0
    for (const entry of entries) {
      const line = Buffer.concat([SEPARATOR, Buffer.from(entry)])
      if (this.head.length + line.length + TAIL.length > this.maxBytes) {
        left++
        continue
      }
      if (bytes + line.length > this.maxBytes / 2) {
        await this.write(pieces, bytes)
        pieces = []
        bytes = 0
      }
      pieces.push(line)
      bytes += line.length
    }
    await this.write(pieces, bytes)
    return left
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  private async write(lines: readonly Buffer[], bytes: number): Promise<void> {
    if (lines.length === 0) return
    const { size } = await this.handle.stat()
    if (!this.untidy && size !== this.end + TAIL.length) throw new Error('another process has changed the file')
    const fixed = this.head.length + TAIL.length
    if (this.end + bytes + TAIL.length > this.maxBytes && this.end > this.head.length)
      await this.drop(Math.min(this.maxBytes / 2, this.maxBytes - bytes - fixed))
    // Nothing is in front of the first one that it would have to be parted from.
    const [first, ...more] = lines
    const opening = this.end === this.head.length ? first!.subarray(1) : first!
    await this.put(this.end, [opening, ...more, TAIL])
    this.end += bytes - (first!.length - opening.length)
  }

  /** Goes on in a new file with the newest entries, `keepBytes` of them at most. */
  private async drop(keepBytes: number): Promise<void> {
    const temporary = `${this.path}.new`
    await rm(temporary, { force: true })
    const next = new HarFile(this.path, this.maxBytes, await open(temporary, 'wx+', 0o600), this.head, this.head.length)
    try {
      let from = await this.nextEntry(Math.max(this.head.length, this.end - Math.max(0, keepBytes)))
      await next.put(0, [this.head])
      if (from < this.end) {
        await next.put(next.end, [SEPARATOR.subarray(1)])
        next.end++
      }
      while (from < this.end) {
        const piece = await read(this.handle, from, Math.min(CHUNK_BYTES, this.end - from))
        if (piece.length === 0) throw new Error('the file became shorter')
        await next.put(next.end, [piece])
        next.end += piece.length
        from += piece.length
      }
      await next.put(next.end, [TAIL])
      await rename(temporary, this.path)
    } catch (error) {
      await next.close()
      await rm(temporary, { force: true })
      throw error
    }
    await this.handle.close()
    this.handle = next.handle
    this.end = next.end
  }

  /** Where the first entry at or behind `from` begins; `end` for none. */
  private async nextEntry(from: number): Promise<number> {
    for (let at = from; at < this.end;) {
      const piece = await read(this.handle, at, Math.min(CHUNK_BYTES, this.end - at))
      if (piece.length === 0) break
      const newline = piece.indexOf('\n')
      if (newline >= 0) return at + newline + 1
      at += piece.length
    }
    return this.end
  }

  private async put(at: number, pieces: readonly Buffer[]): Promise<void> {
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    const { untidy } = this
    this.untidy = true
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
    // What a write that failed, or another process, left behind these bytes.
    if (untidy) await this.handle.truncate(at + bytes.length)
    this.untidy = false
  }
}

function headOf(version: string): Buffer {
  const log = { version: '1.2', creator: { name: 'Turnpike', version }, entries: [] }
  return Buffer.from(JSON.stringify({ log }).slice(0, -3))
}

/** Where the last entry ends that was written whole. */
async function entriesEnd(handle: FileHandle, headLength: number, size: number): Promise<number> {
  const tail = await read(handle, Math.max(headLength, size - TAIL.length), TAIL.length)
  if (tail.equals(TAIL)) return size - TAIL.length
  for (let end = size; end > headLength;) {
    const start = await lineStart(handle, headLength, end)
    if (start === headLength) break
    const line = (await read(handle, start, end - start)).toString('utf8').replace(/,(?:\]\}\})?$/, '')
    if (isEntry(line)) return start + Buffer.byteLength(line)
    end = start - 1
  }
  return headLength
}

/** Behind the last newline before `end`; `least` for none. */
async function lineStart(handle: FileHandle, least: number, end: number): Promise<number> {
  for (let at = end; at > least;) {
    const from = Math.max(least, at - CHUNK_BYTES)
    const newline = (await read(handle, from, at - from)).lastIndexOf('\n')
    if (newline >= 0) return from + newline + 1
    at = from
  }
  return least
}

function isEntry(line: string): boolean {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null && 'request' in entry
  } catch {
    return false
  }
}

async function read(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
