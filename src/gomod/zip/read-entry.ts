import { createHash, hash } from 'node:crypto'
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { ModuleZipError } from './module-zip-error.ts'
import { ReadWindow } from './read-window.ts'
import type { ZipEntry } from './zip-directory.ts'
import { EMPTY_DEFLATED } from './zip-writer.ts'

const LOCAL_SIGNATURE = 0x04034b50
const LOCAL_BYTES = 30
const DESCRIPTOR_SIGNATURE = 0x08074b50
const MAX32 = 0xffffffff
/** Contents up to this size are inflated at once: some 1 ms with the hashing. Larger ones come in pieces. */
const AT_ONCE_BYTES = 256 * 1024

const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 0x1 | 0x40 | 0x2000
const HAS_DESCRIPTOR = 0x8

/**
 * Reads one entry: its local header, which must agree with the directory, and its contents, of which never more are
 * made than the directory announced. `until` is where the next entry begins. `sink` gets the contents in pieces that
 * hold during the call. Gives the SHA-256 of them in hex; rejects with a ModuleZipError.
 */
export async function readEntry(
  window: ReadWindow,
  entry: ZipEntry,
  until: number,
  sink: ((piece: Buffer) => void) | null,
): Promise<string> {
  const dataAt = await findData(window, entry)
  const dataEnd = dataAt + entry.compressedSize
  const hasDescriptor = (entry.flags & HAS_DESCRIPTOR) !== 0
  if (dataEnd + (hasDescriptor ? 12 : 0) > until) throw wrong(entry, 'overlaps what follows it')
  if (entry.method === STORED && entry.size !== entry.compressedSize) throw wrong(entry, 'has two sizes')
  const sha256 =
    entry.size <= AT_ONCE_BYTES && entry.compressedSize <= ReadWindow.max
      ? readAtOnce(entry, await window.take(dataAt, entry.compressedSize), sink)
      : await readInPieces(window, entry, dataAt, sink)
  if (hasDescriptor) await checkDescriptor(window, entry, dataEnd, until)
  return sha256
}

/** Where the contents begin. */
async function findData(window: ReadWindow, entry: ZipEntry): Promise<number> {
  if ((entry.flags & ENCRYPTED) !== 0) throw wrong(entry, 'is encrypted')
  if (entry.method !== STORED && entry.method !== DEFLATED) throw wrong(entry, `has the method ${entry.method}`)
  const fixed = await window.take(entry.headerAt, LOCAL_BYTES)
  if (fixed.readUInt32LE(0) !== LOCAL_SIGNATURE) throw wrong(entry, 'is not where the directory says')
  const nameBytes = fixed.readUInt16LE(26)
  const length = LOCAL_BYTES + nameBytes + fixed.readUInt16LE(28)
  const header = await window.take(entry.headerAt, length)
  const streamed = (entry.flags & HAS_DESCRIPTOR) !== 0
  /** Unknown when it was written, or in the zip64 field. */
  const says = (at: number, value: number): boolean => {
    const found = header.readUInt32LE(at)
    return found === value || (streamed && found === 0) || (at !== 14 && found === MAX32)
  }
  const agrees =
    header.readUInt16LE(6) === entry.flags &&
    header.readUInt16LE(8) === entry.method &&
    says(14, entry.crc32) &&
    says(18, entry.compressedSize) &&
    says(22, entry.size) &&
    header.toString('utf8', LOCAL_BYTES, LOCAL_BYTES + nameBytes) === entry.name
  if (!agrees) throw wrong(entry, 'is something else in its own header than in the directory')
  return entry.headerAt + length
}

function readAtOnce(entry: ZipEntry, data: Buffer, sink: ((piece: Buffer) => void) | null): string {
  const contents = entry.method === STORED ? data : inflateAtOnce(entry, data)
  if (contents.length !== entry.size) throw wrong(entry, 'is not as long as announced')
  if (crc32(contents) !== entry.crc32) throw wrong(entry, 'has a wrong CRC-32')
  sink?.(contents)
  return hash('sha256', contents, 'hex')
}

function inflateAtOnce(entry: ZipEntry, data: Buffer): Buffer {
  if (data.equals(EMPTY_DEFLATED)) return Buffer.alloc(0)
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(entry.size, 1) })
  } catch (error) {
    throw notInflated(entry, error)
  }
}

async function readInPieces(
  window: ReadWindow,
  entry: ZipEntry,
  dataAt: number,
  sink: ((piece: Buffer) => void) | null,
): Promise<string> {
  const sha256 = createHash('sha256')
  let size = 0
  let sum = 0
  const take = (piece: Buffer): void => {
    size += piece.length
    if (size > entry.size) throw wrong(entry, 'is longer than announced')
    sum = crc32(piece, sum)
    sha256.update(piece)
    sink?.(piece)
  }
  const pieces = piecesOf(window, dataAt, entry.compressedSize)
  if (entry.method === STORED) {
    for await (const piece of pieces) take(piece)
  } else {
    try {
      await inflate(pieces, take)
    } catch (error) {
      throw notInflated(entry, error)
    }
  }
  if (size !== entry.size) throw wrong(entry, 'is shorter than announced')
  if (sum !== entry.crc32) throw wrong(entry, 'has a wrong CRC-32')
  return sha256.digest('hex')
}

const PIECE_BYTES = 64 * 1024

async function* piecesOf(window: ReadWindow, from: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < length; at += PIECE_BYTES) {
    yield await window.take(from + at, Math.min(PIECE_BYTES, length - at))
  }
}

/**
 * One piece at a time through memory that is used again, or given back at once: a stream's own way leaves so much to
 * the collector that a zip of 100 MB costs 60 MB more.
 */
async function inflate(pieces: AsyncIterable<Buffer>, take: (piece: Buffer) => void): Promise<void> {
  const inflater = createInflateRaw({ chunkSize: PIECE_BYTES })
  const input = Buffer.allocUnsafeSlow(PIECE_BYTES)
  const over = Promise.withResolvers<void>()
  inflater.on('data', (inflated: Buffer) => {
    try {
      take(inflated)
    } catch (error) {
      inflater.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    const { buffer } = inflated
    // What fills its memory is the inflater's no longer.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === inflated.length) buffer.transfer(0)
  })
  inflater.on('end', over.resolve)
  inflater.on('error', over.reject)
  over.promise.catch(() => {})
  try {
    for await (const piece of pieces) {
      const taken = Promise.withResolvers<void>()
      // The inflater takes it later than the window keeps it.
      inflater.write(input.subarray(0, piece.copy(input)), (error) => {
        if (error === null || error === undefined) taken.resolve()
        else taken.reject(error)
      })
      await Promise.race([taken.promise, over.promise])
    }
    inflater.end()
    await over.promise
  } finally {
    inflater.destroy()
  }
}

/** APPNOTE.TXT 4.3.9: with its signature or without. Its sizes have 4 or 8 bytes, nobody says which; Go ignores them. */
async function checkDescriptor(window: ReadWindow, entry: ZipEntry, at: number, until: number): Promise<void> {
  const descriptor = await window.take(at, Math.min(16, until - at))
  const isSigned = descriptor.readUInt32LE(0) === DESCRIPTOR_SIGNATURE && descriptor.length === 16
  if (descriptor.readUInt32LE(isSigned ? 4 : 0) !== entry.crc32) throw wrong(entry, 'has a wrong data descriptor')
}

function notInflated(entry: ZipEntry, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ERR_BUFFER_TOO_LARGE') return wrong(entry, 'is longer than announced')
  if (typeof code === 'string' && code.startsWith('Z_')) return wrong(entry, 'cannot be inflated')
  return error instanceof Error ? error : wrong(entry, 'cannot be inflated')
}

function wrong(entry: ZipEntry, what: string): ModuleZipError {
  return new ModuleZipError(`${JSON.stringify(entry.name)} ${what}`)
}
