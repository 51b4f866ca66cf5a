import { createHash, hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib'
import { ModuleZipError } from './module-zip-error.ts'

interface Written {
  name: Buffer
  crc32: number
  compressedSize: number
  size: number
  headerAt: number
}

/** Files up to this size are deflated at once: some 2 ms. Larger ones come in pieces, deflated off the loop. */
const AT_ONCE_BYTES = 64 * 1024
/** Version 2.0: what deflate needs; 4.5: what zip64 needs (APPNOTE.TXT 4.4.3.2). */
const VERSION = 20
const VERSION64 = 45
/** Sizes follow the data; the name is UTF-8. As Go's own writer does it. */
const FLAGS = 0x8 | 0x800
const DEFLATED = 8
/** Nothing, as zlib deflates it: to ask it again costs more than all the rest of an empty file. */
export const EMPTY_DEFLATED = Buffer.of(3, 0)
const MAX16 = 0xffff

/** Writes a zip from front to back. The same files in the same order give the same bytes; times are left out. */
export class ZipWriter {
  private readonly write: (bytes: Buffer) => Promise<void>
  private readonly entries: Written[] = []
  /** Bytes written. */
  size = 0

  /** `write` gets bytes that are its own. */
  constructor(write: (bytes: Buffer) => Promise<void>) {
    this.write = write
  }

  /** Adds a file of exactly `size` bytes; gives their SHA-256 in hex. Rejects with a ModuleZipError where they are more or less. */
  async add(name: string, size: number, contents: AsyncIterable<Uint8Array>): Promise<string> {
    const entry = { name: Buffer.from(name), crc32: 0, compressedSize: 0, size, headerAt: this.size }
    await this.put(localHeader(entry.name))
    const dataAt = this.size
    const sha256 =
      size <= AT_ONCE_BYTES ? await this.addAtOnce(entry, contents) : await this.addInPieces(entry, contents)
    entry.compressedSize = this.size - dataAt
    await this.put(dataDescriptor(entry))
    this.entries.push(entry)
    return sha256
  }

  /** Writes the directory: nothing can follow. */
  async end(): Promise<void> {
    const startsAt = this.size
    for (const entry of this.entries) await this.put(directoryEntry(entry))
    await this.put(endRecords(this.entries.length, this.size - startsAt, startsAt))
  }

  private async addAtOnce(entry: Written, contents: AsyncIterable<Uint8Array>): Promise<string> {
    const pieces: Uint8Array[] = []
    for await (const piece of measured(entry, contents)) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    entry.crc32 = crc32(bytes)
    await this.put(bytes.length === 0 ? EMPTY_DEFLATED : deflateRawSync(bytes))
    return hash('sha256', bytes, 'hex')
  }

  private async addInPieces(entry: Written, contents: AsyncIterable<Uint8Array>): Promise<string> {
    const sha256 = createHash('sha256')
    const summed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const piece of measured(entry, contents)) {
        entry.crc32 = crc32(piece, entry.crc32)
        sha256.update(piece)
        yield piece
      }
    }
    await pipeline(Readable.from(summed()), createDeflateRaw(), async (deflated: AsyncIterable<Buffer>) => {
      for await (const piece of deflated) await this.put(piece)
    })
    return sha256.digest('hex')
  }

  private async put(bytes: Buffer): Promise<void> {
    this.size += bytes.length
    await this.write(bytes)
  }
}

async function* measured(
  { name, size }: Written,
  contents: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let seen = 0
  for await (const piece of contents) {
    seen += piece.length
    if (seen > size) throw new ModuleZipError(`${JSON.stringify(name.toString())} is larger than it said`)
    yield piece
  }
  if (seen < size) throw new ModuleZipError(`${JSON.stringify(name.toString())} is smaller than it said`)
}

function localHeader(name: Buffer): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(FLAGS, 6)
  header.writeUInt16LE(DEFLATED, 8)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

function dataDescriptor(entry: Written): Buffer {
  const descriptor = Buffer.alloc(16)
  descriptor.writeUInt32LE(0x08074b50, 0)
  descriptor.writeUInt32LE(entry.crc32, 4)
  descriptor.writeUInt32LE(entry.compressedSize, 8)
  descriptor.writeUInt32LE(entry.size, 12)
  return descriptor
}

function directoryEntry(entry: Written): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(VERSION, 6)
  header.writeUInt16LE(FLAGS, 8)
  header.writeUInt16LE(DEFLATED, 10)
  header.writeUInt32LE(entry.crc32, 16)
  header.writeUInt32LE(entry.compressedSize, 20)
  header.writeUInt32LE(entry.size, 24)
  header.writeUInt16LE(entry.name.length, 28)
  header.writeUInt32LE(entry.headerAt, 42)
  return Buffer.concat([header, entry.name])
}

/** With a zip64 record where there are more entries than the plain one can count. */
function endRecords(count: number, bytes: number, startsAt: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, MAX16), 8)
  end.writeUInt16LE(Math.min(count, MAX16), 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(startsAt, 16)
  if (count < MAX16) return end
  const end64 = Buffer.alloc(56 + 20)
  end64.writeUInt32LE(0x06064b50, 0)
  end64.writeBigUInt64LE(44n, 4)
  end64.writeUInt16LE(VERSION64, 12)
  end64.writeUInt16LE(VERSION64, 14)
  end64.writeBigUInt64LE(BigInt(count), 24)
  end64.writeBigUInt64LE(BigInt(count), 32)
  end64.writeBigUInt64LE(BigInt(bytes), 40)
  end64.writeBigUInt64LE(BigInt(startsAt), 48)
  end64.writeUInt32LE(0x07064b50, 56)
  end64.writeBigUInt64LE(BigInt(startsAt + bytes), 64)
  end64.writeUInt32LE(1, 72)
  return Buffer.concat([end64, end])
}
