import { openNote, signNote } from './note.ts'
import { readVerifierKey, type Signer, type Verifier } from './note-key.ts'
import { formatDataTile, parseDataTile } from './sum-record.ts'
import { SumdbError } from './sumdb-error.ts'
import { hashOfHashes, TILE_WIDTH, tileWidth, type Tile } from './tile.ts'
import { fullTilePath } from './tile-cache.ts'
import { emptyTreeHash, HASH_BYTES, recordHash } from './tree-hash.ts'
import { formatTreeHead, parseTreeHead, type TreeHead } from './tree-head.ts'
import { edgeHash, edgeTiles } from './tree-tiles.ts'

const HEAD = 'latest'

/** Where a log is kept. Names are as in its paths: `latest`, `tile/8/0/000`, `tile/8/data/000`. */
export interface LogStorage {
  get(name: string): Promise<Buffer | null>
  /** Replaces it as one, and safely: what is put later never survives a crash that this does not. */
  put(name: string, bytes: Buffer): Promise<void>
}

/** The newest signed head of a log. */
export interface LogHead extends TreeHead {
  /** Signed; as `/latest` answers it. */
  note: Buffer
}

/**
 * An append-only log of records in tiles, with a signed head. Each tile is kept once and grows; the head is written
 * last and says how much of them counts, so that a crash at any moment leaves the log as it was.
 */
export class SumdbLog {
  private readonly storage: LogStorage
  private readonly signer: Signer
  private readonly verifier: Verifier
  private seen: LogHead | null = null

  constructor(storage: LogStorage, signer: Signer) {
    this.storage = storage
    this.signer = signer
    this.verifier = readVerifierKey(signer.verifierKey)
  }

  /** The head that was written last; that of an empty log, signed, where there is none. Rejects with a SumdbError where it is another key's. */
  async head(): Promise<LogHead> {
    const note = await this.storage.get(HEAD)
    if (note === null) return this.sign({ size: 0, hash: emptyTreeHash })
    // Checked when it was seen first.
    if (this.seen?.note.equals(note) === true) return this.seen
    this.seen = { ...parseTreeHead(openNote(note, [this.verifier]).text), note }
    return this.seen
  }

  /**
   * Appends records, by one caller at a time: nothing more is written once `held` is aborted, for then somebody else
   * may be signing a head of the same size. Rejects with its reason, or a SumdbError where the tiles are not those of
   * the head.
   */
  async append(head: LogHead, texts: readonly string[], held: AbortSignal): Promise<LogHead> {
    const put = (name: string, bytes: Buffer): Promise<void> => {
      held.throwIfAborted()
      return this.storage.put(name, bytes)
    }
    const edge = await this.readEdge(head)
    const recordsBefore = await this.edgeRecords(head, edge)
    const changed = new Map<string, Buffer>()
    let { size } = head
    for (const text of texts) addHash(edge, changed, size++, recordHash(text))
    for (const [level, hashes] of edge) {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1))
      if (hashes.length > 0) changed.set(fullTilePath({ level, index, width: TILE_WIDTH }), hashes)
    }
    for (const [name, bytes] of dataTiles(head.size, [...recordsBefore, ...texts])) changed.set(name, bytes)
    await Promise.all([...changed].map(([name, bytes]) => put(name, bytes)))
    const next = this.sign({ size, hash: await edgeHash(size, edge) })
    await put(HEAD, next.note)
    return next
  }

  /** The text of one record; null where the tree has it not. */
  async record(head: TreeHead, id: number): Promise<string | null> {
    const tile: Tile = { level: 'data', index: Math.floor(id / TILE_WIDTH), width: (id % TILE_WIDTH) + 1 }
    const bytes = await this.tile(head, tile)
    return bytes === null ? null : parseDataTile(bytes).at(-1)!
  }

  /** The bytes of a tile, null where the tree has less of it. */
  async tile(head: TreeHead, tile: Tile): Promise<Buffer | null> {
    if (tileWidth(head.size, tile.level, tile.index) < tile.width) return null
    const bytes = await this.storage.get(fullTilePath(tile))
    if (bytes === null) throw new SumdbError('A tile of the log is missing')
    return firstOfTile(tile, bytes)
  }

  private sign(head: TreeHead): LogHead {
    return { ...head, note: signNote(formatTreeHead(head), [this.signer]) }
  }

  /** The tiles that are not full, by level, checked against the head. */
  private async readEdge(head: LogHead): Promise<Map<number, Buffer>> {
    const tiles = edgeTiles(head.size)
    const all = await Promise.all(tiles.map((tile) => this.tile(head, tile)))
    const edge = new Map(tiles.map(({ level }, at) => [level, all[at]!]))
    if ((await edgeHash(head.size, edge)).equals(head.hash)) return edge
    throw new SumdbError('The tiles of the log do not lead to the hash of its head')
  }

  /** The records of the tile that is not full, checked against their hashes. */
  private async edgeRecords(head: LogHead, edge: ReadonlyMap<number, Buffer>): Promise<string[]> {
    const [tile] = edgeTiles(head.size)
    if (tile?.level !== 0) return []
    const bytes = await this.tile(head, { ...tile, level: 'data' })
    const texts = bytes === null ? [] : parseDataTile(bytes)
    if (Buffer.concat(texts.map(recordHash)).equals(edge.get(0)!)) return texts
    throw new SumdbError('The records of the log are not those of its head')
  }
}

/** The tiles of these records, by name; the first of them stands at the beginning of the tile that has number `first`. */
function dataTiles(first: number, texts: readonly string[]): [name: string, bytes: Buffer][] {
  const firstIndex = Math.floor(first / TILE_WIDTH)
  return Array.from({ length: Math.ceil(texts.length / TILE_WIDTH) }, (_, at) => [
    fullTilePath({ level: 'data', index: firstIndex + at, width: TILE_WIDTH }),
    formatDataTile(texts.slice(at * TILE_WIDTH, (at + 1) * TILE_WIDTH)),
  ])
}

/** What a tile that has grown wider began with. */
function firstOfTile({ level, width }: Tile, bytes: Buffer): Buffer {
  const texts = level === 'data' ? parseDataTile(bytes) : null
  if ((texts?.length ?? bytes.length / HASH_BYTES) < width) throw new SumdbError('A tile of the log is too short')
  return texts === null ? bytes.subarray(0, width * HASH_BYTES) : formatDataTile(texts.slice(0, width))
}

/** Adds the hash of record `n` to the tile at the edge; a tile that is full becomes an entry of the one above it. */
function addHash(edge: Map<number, Buffer>, changed: Map<string, Buffer>, n: number, hash: Buffer): void {
  let entry = hash
  for (let level = 0, index = n; ; level++) {
    const hashes = Buffer.concat([edge.get(level) ?? Buffer.alloc(0), entry])
    index = Math.floor(index / TILE_WIDTH)
    if (hashes.length < TILE_WIDTH * HASH_BYTES) return void edge.set(level, hashes)
    edge.set(level, Buffer.alloc(0))
    changed.set(fullTilePath({ level, index, width: TILE_WIDTH }), hashes)
    entry = hashOfHashes(hashes)
  }
}
