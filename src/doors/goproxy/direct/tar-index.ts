import { TurnpikeError } from '../../../core/error.ts'
import { readFully, type RandomAccess } from '../../../gomod/zip/random-access.ts'

/** A member of a tar archive. */
export interface TarEntry {
  path: string
  type: 'file' | 'directory' | 'symlink' | 'other'
  /** Of its contents. */
  position: number
  size: number
}

const BLOCK_BYTES = 512
/** Longest names that are read: git's own are shorter. */
const MAX_EXTENDED_BYTES = 1024 * 1024

const types: Record<string, TarEntry['type']> = { '0': 'file', '\0': 'file', '5': 'directory', '2': 'symlink' }

/** Finds what is in a tar archive as git writes it: ustar, with pax headers for what does not fit (POSIX.1-2017, pax). */
export async function readTarIndex(archive: RandomAccess): Promise<TarEntry[]> {
  const entries: TarEntry[] = []
  const header = Buffer.alloc(BLOCK_BYTES)
  let extended = new Map<string, string>()
  for (let position = 0; position + BLOCK_BYTES <= archive.size;) {
    await readFully(archive, header, position)
    // Two blocks of zeros end it.
    if (header[0] === 0) return entries
    position += BLOCK_BYTES
    const kind = String.fromCharCode(header[156]!)
    const size = sizeOf(extended.get('size') ?? text(header, 124, 12), extended.has('size') ? 10 : 8)
    if (kind === 'x') {
      if (size > MAX_EXTENDED_BYTES) throw broken()
      const records = Buffer.alloc(size)
      await readFully(archive, records, position)
      extended = readRecords(records)
    } else if (kind !== 'g') {
      const path = extended.get('path') ?? [text(header, 345, 155), text(header, 0, 100)].filter(Boolean).join('/')
      entries.push({ path, type: types[kind] ?? 'other', position, size })
      extended = new Map()
    }
    position += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  }
  throw broken()
}

/** `LENGTH KEYWORD=VALUE\n`, the length being that of all of it. */
function readRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(' ', at)
    const length = Number(bytes.latin1Slice(at, blank))
    if (blank < 0 || !(length > blank - at + 1) || at + length > bytes.length) throw broken()
    const record = bytes.toString('utf8', blank + 1, at + length - 1)
    const equals = record.indexOf('=')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}

function text(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start)
  return header.toString('utf8', start, end < 0 ? start + length : Math.min(end, start + length))
}

function sizeOf(digits: string, radix: number): number {
  const size = Number.parseInt(digits, radix)
  if (!Number.isSafeInteger(size) || size < 0) throw broken()
  return size
}

function broken(): TurnpikeError {
  return new TurnpikeError('ERR_MODULE_VCS', { message: 'The archive that git wrote cannot be read.' })
}
