import { unescapePath } from '../module-path.ts'
import { unescapeVersion } from '../version.ts'
import { readVerifierKey } from './note-key.ts'
import { Recent } from './recent.ts'
import { SignedHistory } from './signed-history.ts'
import { formatDataTile, formatRecord, parseDataTile, parseRecord, type SumRecord } from './sum-record.ts'
import { SumdbError } from './sumdb-error.ts'
import type { SumdbPorts } from './sumdb-ports.ts'
import { tileWidth, type Tile } from './tile.ts'
import { fullTilePath, remoteTile, TileCache } from './tile-cache.ts'
import { HASH_BYTES, recordHash } from './tree-hash.ts'

/** Records that are remembered as checked: some 300 bytes each. */
const REMEMBERED = 4096

/**
 * The client of one checksum database. It believes what one single history of signed heads leads to, and keeps the
 * newest of them: nothing is cached, or given to anybody, before it is proved to be part of it (G25, G26). Rejects
 * with a SumdbError where the database contradicts itself, with the ports' own errors where they fail.
 */
export class SumdbClient {
  readonly name: string
  private readonly ports: SumdbPorts
  private readonly history: SignedHistory
  private readonly records = new Recent<string, SumRecord>(REMEMBERED)

  /** `verifierKey` is `NAME+HASH+KEY`. Throws a RangeError where it is not. */
  constructor(verifierKey: string, ports: SumdbPorts) {
    const verifier = readVerifierKey(verifierKey)
    this.name = verifier.name
    this.ports = ports
    this.history = new SignedHistory(verifier, ports, new TileCache(ports))
  }

  /** The newest signed head that is known, null while none is. */
  async head(): Promise<{ note: Buffer; size: number } | null> {
    await this.history.open()
    const { note, tiles } = this.history.latest
    return note.length === 0 ? null : { note, size: tiles.head.size }
  }

  /** Takes in the head that another client of the same cache may have written down. */
  catchUp(): Promise<void> {
    return this.history.catchUp()
  }

  /** Asks for the newest signed head. */
  async refresh(): Promise<void> {
    await this.history.merge(await this.ports.remote('/latest'))
  }

  /** The record of a version where it is in memory. */
  remembered(escaped: string): SumRecord | undefined {
    return this.records.get(escaped)
  }

  /** The record of a version, given as `PATH@VERSION`, both of them escaped. */
  async lookup(escaped: string): Promise<SumRecord> {
    const remembered = this.remembered(escaped)
    if (remembered !== undefined) return remembered
    await this.history.open()
    const record = (await this.readKept(escaped)) ?? (await this.ask(escaped))
    this.records.set(escaped, record)
    return record
  }

  /** The bytes of a tile, checked; null where the newest head that is known has less than that of it. */
  async tile(tile: Tile): Promise<Buffer | null> {
    await this.history.open()
    const { tiles } = this.history.latest
    const { level, index, width } = tile
    if (tileWidth(tiles.head.size, level, index) < width) return null
    const hashes = (await tiles.tile(level === 'data' ? 0 : level, index)).subarray(0, width * HASH_BYTES)
    return level === 'data' ? this.dataTile(tile, hashes) : hashes
  }

  private async ask(escaped: string): Promise<SumRecord> {
    const { record, rest } = parseRecord(await this.ports.remote(`/lookup/${escaped}`))
    await this.history.merge(rest)
    await this.check(record, escaped)
    await this.ports.writeCache(`lookup/${escaped}`, Buffer.from(formatRecord(record)))
    return record
  }

  /** A record of the cache counts where it is part of the tree; else it is asked for again. */
  private async readKept(escaped: string): Promise<SumRecord | null> {
    const bytes = await this.ports.readCache(`lookup/${escaped}`)
    if (bytes === null) return null
    try {
      const { record } = parseRecord(bytes)
      await this.check(record, escaped)
      return record
    } catch (error) {
      if (error instanceof SumdbError) return null
      throw error
    }
  }

  /** Stricter than x/mod, which leaves it to its callers to look whose record it is (sumdb/client.go, Lookup). */
  private async check({ id, text }: SumRecord, escaped: string): Promise<void> {
    if (!isRecordOf(text, escaped)) throw new SumdbError(`Record ${id} is not that of ${escaped}`)
    const { tiles } = this.history.latest
    const { size } = tiles.head
    if (id >= size) throw new SumdbError(`Record ${id} is not in the tree of ${size}`)
    if ((await tiles.hash(0, id)).equals(recordHash(text))) return
    throw new SumdbError(`Record ${id} is not the one in the signed tree`)
  }

  /** Records, each checked against its hash. */
  private async dataTile(tile: Tile, hashes: Buffer): Promise<Buffer> {
    const name = fullTilePath(tile)
    const kept = await this.ports.readCache(name)
    const found = kept === null ? null : matching(kept, hashes)
    if (found !== null) return found
    const bytes = matching(await remoteTile(this.ports, tile), hashes)
    if (bytes === null) throw new SumdbError('A tile of records is not that of the signed tree')
    await this.ports.writeCache(name, bytes)
    return bytes
  }
}

function isRecordOf(text: string, escaped: string): boolean {
  const at = escaped.lastIndexOf('@')
  const name = `${unescapePath(escaped.slice(0, at))} ${unescapeVersion(escaped.slice(at + 1))}`
  const lines = text.slice(0, -1).split('\n')
  return lines.every((line) => line.startsWith(`${name} `) || line.startsWith(`${name}/go.mod `))
}

/** The records that have these hashes; null where they are others, or too few. */
function matching(bytes: Buffer, hashes: Buffer): Buffer | null {
  const count = hashes.length / HASH_BYTES
  let texts: string[]
  try {
    texts = parseDataTile(bytes).slice(0, count)
  } catch (error) {
    if (error instanceof SumdbError) return null
    throw error
  }
  const same = texts.every((text, at) =>
    recordHash(text).equals(hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  )
  return same && texts.length === count ? formatDataTile(texts) : null
}
