import { ModuleZipError } from './module-zip-error.ts'
import { readFully, type RandomAccess } from './random-access.ts'
import { ReadWindow } from './read-window.ts'
import type { Rest } from './rest.ts'
import { DIRECTORY_LIMIT, ENTRY_LIMIT, NAME_LIMIT } from './zip-limits.ts'

/** One entry of a zip, as its central directory has it. */
export interface ZipEntry {
  name: string
  /** 0: as they are, 8: deflated. */
  method: number
  flags: number
  crc32: number
  compressedSize: number
  size: number
  /** Where its local header is. */
  headerAt: number
  /** Unix type bits of its mode, 0 where there are none: 0x8000 a file, 0x4000 a directory, 0xa000 a symbolic link. */
  type: number
}

export interface ZipDirectory {
  entries: ZipEntry[]
  /** Where the entries end and it begins. */
  startsAt: number
}

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const END64_SIGNATURE = 0x06064b50
const END64_BYTES = 56
const LOCATOR64_SIGNATURE = 0x07064b50
const LOCATOR64_BYTES = 20
const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_BYTES = 46
const ZIP64_EXTRA = 0x0001
const MAX_COMMENT_BYTES = 0xffff
const MAX16 = 0xffff
const MAX32 = 0xffffffff
/** Systems that an entry's mode is of: Unix, macOS. */
const unixSystems = new Set([3, 19])

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the central directory of a zip (APPNOTE.TXT 4.3). Stricter than most readers, so that no two of them find
 * different files: it stands right before its end record, which is the last thing in the file, its places count from
 * the file's first byte, and what zip64 says twice it says alike. Rejects with a ModuleZipError.
 */
export async function readZipDirectory(zip: RandomAccess, rest: Rest): Promise<ZipDirectory> {
  const { count, bytes, startsAt } = await readEnd(zip)
  if (count > ENTRY_LIMIT) throw new ModuleZipError(`more than ${ENTRY_LIMIT} entries`, true)
  if (bytes > DIRECTORY_LIMIT) throw new ModuleZipError(`a directory of more than ${DIRECTORY_LIMIT} bytes`, true)
  const window = new ReadWindow(zip)
  const entries: ZipEntry[] = []
  let at = startsAt
  const end = startsAt + bytes
  for (let index = 0; index < count; index++) {
    const fixed = await window.take(at, ENTRY_BYTES)
    if (fixed.readUInt32LE(0) !== ENTRY_SIGNATURE) throw broken('its directory has something else than entries')
    const length = ENTRY_BYTES + fixed.readUInt16LE(28) + fixed.readUInt16LE(30) + fixed.readUInt16LE(32)
    if (at + length > end) throw broken('its directory is cut short')
    entries.push(parseEntry(await window.take(at, length)))
    at += length
    const pause = rest()
    if (pause !== null) await pause
  }
  if (at !== end) throw broken('its directory has more than its entries')
  return { entries, startsAt }
}

interface End {
  count: number
  bytes: number
  startsAt: number
}

async function readEnd(zip: RandomAccess): Promise<End> {
  const tail = Buffer.allocUnsafe(Math.min(zip.size, END_BYTES + MAX_COMMENT_BYTES))
  await readFully(zip, tail, zip.size - tail.length)
  const at = findEnd(tail)
  if (at === -1) throw broken('it has no end record')
  const endAt = zip.size - tail.length + at
  const end = tail.subarray(at)
  const count = end.readUInt16LE(10)
  const found = { count, bytes: end.readUInt32LE(12), startsAt: end.readUInt32LE(16) }
  const onOneDisk = end.readUInt16LE(4) === 0 && end.readUInt16LE(6) === 0 && end.readUInt16LE(8) === count
  const is64 = count === MAX16 || found.bytes === MAX32 || found.startsAt === MAX32
  const end64 = is64 ? await readEnd64(zip, endAt, found) : null
  if (end64 === null && !onOneDisk) throw broken('it is one of several parts')
  const { at: behind, ...place } = end64 ?? { at: endAt, ...found }
  if (place.startsAt + place.bytes !== behind) throw broken('its directory is not where its end record says')
  return place
}

/** The last end record: the one that ends with the file. -1 where there is none. */
function findEnd(tail: Buffer): number {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue
    if (at + END_BYTES + tail.readUInt16LE(at + 20) !== tail.length) throw broken('something follows its end record')
    return at
  }
  return -1
}

/** Whether a field of the plain record leaves it to the other, or says the same. */
function agrees(of64: number, of32: number, max: number): boolean {
  return of32 === max || of32 === of64
}

/** Null where there is none: 65 535 entries can be counted without. */
async function readEnd64(zip: RandomAccess, endAt: number, small: End): Promise<(End & { at: number }) | null> {
  if (endAt < LOCATOR64_BYTES + END64_BYTES) return null
  const locator = Buffer.allocUnsafe(LOCATOR64_BYTES)
  await readFully(zip, locator, endAt - LOCATOR64_BYTES)
  if (locator.readUInt32LE(0) !== LOCATOR64_SIGNATURE) return null
  const at = large(locator, 8)
  if (at !== endAt - LOCATOR64_BYTES - END64_BYTES || locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) {
    throw broken('its zip64 end record is not where its locator says')
  }
  const end = Buffer.allocUnsafe(END64_BYTES)
  await readFully(zip, end, at)
  const isWhole = end.readUInt32LE(0) === END64_SIGNATURE && large(end, 4) === END64_BYTES - 12
  const count = large(end, 32)
  const found = { count, bytes: large(end, 40), startsAt: large(end, 48), at }
  if (
    !isWhole ||
    large(end, 24) !== count ||
    !agrees(count, small.count, MAX16) ||
    !agrees(found.bytes, small.bytes, MAX32) ||
    !agrees(found.startsAt, small.startsAt, MAX32)
  ) {
    throw broken('its two end records disagree')
  }
  return found
}

function parseEntry(bytes: Buffer): ZipEntry {
  const nameBytes = bytes.readUInt16LE(28)
  if (nameBytes > NAME_LIMIT) throw new ModuleZipError(`a name of more than ${NAME_LIMIT} bytes`, true)
  const nameEnd = ENTRY_BYTES + nameBytes
  const name = decodeName(bytes.subarray(ENTRY_BYTES, nameEnd))
  const entry = {
    name,
    flags: bytes.readUInt16LE(8),
    method: bytes.readUInt16LE(10),
    crc32: bytes.readUInt32LE(16),
    compressedSize: bytes.readUInt32LE(20),
    size: bytes.readUInt32LE(24),
    headerAt: bytes.readUInt32LE(42),
    type: unixSystems.has(bytes[5]!) ? bytes.readUInt16LE(40) & 0xf000 : 0,
  }
  if (bytes.readUInt16LE(34) !== 0) throw broken(`${JSON.stringify(name)} is in another part`)
  readZip64Extra(entry, bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(30)))
  return entry
}

/** APPNOTE.TXT 4.5.3: those fields that hold their largest value, in this order. */
function readZip64Extra(entry: ZipEntry, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2)
    const field = extra.subarray(at + 4, at + 4 + length)
    at += 4 + length
    if (extra.readUInt16LE(at - 4 - length) !== ZIP64_EXTRA) continue
    let used = 0
    for (const key of ['size', 'compressedSize', 'headerAt'] as const) {
      if (entry[key] !== MAX32) continue
      if (used + 8 > field.length) throw broken(`${JSON.stringify(entry.name)} has a zip64 field that is too short`)
      entry[key] = large(field, used)
      used += 8
    }
    // A second one would find nothing left to say, in this reader and perhaps not in others.
    return
  }
}

function decodeName(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw broken(`the name ${JSON.stringify(bytes.toString())} is no UTF-8`)
  }
}

/** Sizes beyond 2^53 are beyond every bound. */
function large(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

function broken(what: string): ModuleZipError {
  return new ModuleZipError(`the zip is malformed: ${what}`)
}
