import { Recent } from './recent.ts'
import { SumdbError } from './sumdb-error.ts'
import { hashOfHashes, placeInTile, TILE_WIDTH, tileWidth, type Tile } from './tile.ts'
import type { TreeHead } from './tree-head.ts'
import { HASH_BYTES, treeHash } from './tree-hash.ts'

/** Tiles of one head that are remembered: 8 KiB each. */
const REMEMBERED = 128

/** Where the tiles of a tree come from. */
export interface TileSource {
  /** The bytes of a tile of hashes, of exactly its width. `fresh`: what was kept of it is wrong. */
  read(tile: Tile, fresh: boolean): Promise<Buffer>
  /** Its bytes are those of the tree. */
  verified(tile: Tile, bytes: Buffer): Promise<void>
}

/**
 * The tiles of one tree, each checked against its signed hash before anybody sees it. The tiles that are not full,
 * one a level at most, together give the hash of the tree; each full one is an entry of the tile above it.
 */
export class TreeTiles {
  readonly head: TreeHead
  private readonly source: TileSource
  private readonly known = new Recent<string, Promise<Buffer>>(REMEMBERED)
  private edge: Promise<Map<number, Buffer>> | null = null

  constructor(head: TreeHead, source: TileSource) {
    this.head = head
    this.source = source
  }

  /** All that the tree has of a tile of hashes, checked. Rejects with a SumdbError where the source contradicts the head. */
  async tile(level: number, index: number): Promise<Buffer> {
    const width = tileWidth(this.head.size, level, index)
    if (width === 0) throw new SumdbError(`A tree of ${this.head.size} has no such tile`)
    if (width < TILE_WIDTH) return (await this.readEdge()).get(level)!
    const key = `${level}/${index}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const reading = this.readFull(level, index)
    this.known.set(key, reading)
    reading.catch(() => this.known.drop(key, reading))
    return reading
  }

  /** Hash over `2 ** level` records: a HashReader. */
  readonly hash = async (level: number, n: number): Promise<Buffer> => {
    const place = placeInTile(level, n)
    const tile = await this.tile(place.level, place.index)
    if (place.to * HASH_BYTES > tile.length) throw new SumdbError(`A tree of ${this.head.size} has no such hash`)
    return hashOfHashes(tile.subarray(place.from * HASH_BYTES, place.to * HASH_BYTES))
  }

  /** The hash of the tree when it had `size` records. */
  hashAt(size: number): Promise<Buffer> {
    return treeHash(size, this.hash)
  }

  private async readFull(level: number, index: number): Promise<Buffer> {
    const tile = { level, index, width: TILE_WIDTH }
    const at = (index % TILE_WIDTH) * HASH_BYTES
    // Both are under way at once: the tree of a large log is four tiles high.
    const above = this.tile(level + 1, Math.floor(index / TILE_WIDTH))
    for (const fresh of [false, true]) {
      const [parent, bytes] = await Promise.all([above, this.source.read(tile, fresh)])
      const expected = parent.subarray(at, at + HASH_BYTES)
      if (bytes.length !== TILE_WIDTH * HASH_BYTES || !hashOfHashes(bytes).equals(expected)) continue
      await this.source.verified(tile, bytes)
      return bytes
    }
    throw new SumdbError('A tile is not that of the signed tree')
  }

  private readEdge(): Promise<Map<number, Buffer>> {
    this.edge ??= this.checkEdge().catch((error: unknown) => {
      this.edge = null
      throw error
    })
    return this.edge
  }

  private async checkEdge(): Promise<Map<number, Buffer>> {
    const tiles = edgeTiles(this.head.size)
    for (const fresh of [false, true]) {
      const all = await Promise.all(tiles.map((tile) => this.source.read(tile, fresh)))
      const edge = new Map(tiles.map(({ level }, at) => [level, all[at]!]))
      if (!tiles.every(({ level, width }) => edge.get(level)?.length === width * HASH_BYTES)) continue
      const hash = await edgeHash(this.head.size, edge)
      if (!hash.equals(this.head.hash)) continue
      await Promise.all(tiles.map((tile, at) => this.source.verified(tile, all[at]!)))
      return edge
    }
    throw new SumdbError('The tiles do not lead to the hash of the signed tree')
  }
}

/** The tiles that are not full in a tree of `size`, lowest level first. */
export function edgeTiles(size: number): { level: number; index: number; width: number }[] {
  const tiles = []
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const width = hashes % TILE_WIDTH
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width })
  }
  return tiles
}

/** The hash of a tree, from its tiles that are not full. */
export async function edgeHash(size: number, edge: ReadonlyMap<number, Buffer>): Promise<Buffer> {
  return treeHash(size, async (level, n) => {
    const place = placeInTile(level, n)
    const tile = edge.get(place.level)
    if (tile === undefined) throw new SumdbError('A tile of the tree is missing')
    return hashOfHashes(tile.subarray(place.from * HASH_BYTES, place.to * HASH_BYTES))
  })
}
