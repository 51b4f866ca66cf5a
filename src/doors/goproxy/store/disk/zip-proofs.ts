import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

const PIECE_BYTES = 1_048_576
const MAX_KNOWN = 100_000

/**
 * Which zips this process has read whole and found as they were committed. One is read again when the file system says
 * that it was changed since: to open a zip costs a look, but for the first time.
 */
export class ZipProofs {
  private readonly known = new Map<string, string>()
  private readonly reading = new Map<string, Promise<string>>()

  /** Whether the file has that hash. */
  async holds(handle: FileHandle, path: string, sha256: string): Promise<boolean> {
    const seen = seenAs(await handle.stat({ bigint: true }))
    const proof = `${seen} ${sha256}`
    if (this.known.get(path) === proof) return true
    const key = `${path} ${seen}`
    const read = this.reading.get(key) ?? hashOf(handle)
    this.reading.set(key, read)
    try {
      if ((await read) !== sha256) return false
    } finally {
      this.reading.delete(key)
    }
    this.learn(path, proof)
    return true
  }

  /** Takes it for granted of what was committed here just now. */
  trust(path: string, sha256: string, stats: BigIntStats): void {
    this.learn(path, `${seenAs(stats)} ${sha256}`)
  }

  private learn(path: string, proof: string): void {
    this.known.delete(path)
    this.known.set(path, proof)
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value!)
  }
}

const seenAs = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`

/** Lower case hex. In pieces of about a millisecond, the event loop's turn between them. */
async function hashOf(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(piece.subarray(0, bytesRead))
    at += bytesRead
  }
}
