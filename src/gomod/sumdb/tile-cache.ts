import type { SumdbPorts } from './sumdb-ports.ts'
import { tilePath, TILE_WIDTH, type Tile } from './tile.ts'
import { HASH_BYTES } from './tree-hash.ts'

/** Tiles of hashes from the cache, else from the database. One copy of each, the widest: what it begins with never changes. */
export class TileCache {
  private readonly ports: SumdbPorts
  private readonly fromCache = new WeakSet<Buffer>()
  private readonly writing = new Map<string, Promise<void>>()

  constructor(ports: SumdbPorts) {
    this.ports = ports
  }

  /** `fresh`: what is kept proved to be wrong. The bytes may be anything: whoever reads them verifies them. */
  async read(tile: Tile, fresh: boolean): Promise<Buffer> {
    const size = tile.width * HASH_BYTES
    const kept = fresh ? null : await this.ports.readCache(fullTilePath(tile))
    if (kept === null || kept.length < size) return (await remoteTile(this.ports, tile)).subarray(0, size)
    const bytes = kept.subarray(0, size)
    this.fromCache.add(bytes)
    return bytes
  }

  /** Writes down bytes that `read` gave and that were verified, wider ones after narrower ones. */
  keep(tile: Tile, bytes: Buffer): Promise<void> {
    if (this.fromCache.has(bytes)) return Promise.resolve()
    const name = fullTilePath(tile)
    const written = (this.writing.get(name) ?? Promise.resolve())
      .then(() => this.ports.writeCache(name, bytes))
      .finally(() => {
        if (this.writing.get(name) === written) this.writing.delete(name)
      })
    this.writing.set(name, written)
    return written
  }
}

/** Its name in the cache, whatever its width. */
export function fullTilePath(tile: Tile): string {
  return tilePath({ ...tile, width: TILE_WIDTH })
}

/** A tile from the database: a partial one that is gone there has become full (G25). */
export async function remoteTile(ports: SumdbPorts, tile: Tile): Promise<Buffer> {
  try {
    return await ports.remote(`/${tilePath(tile)}`)
  } catch (error) {
    if (tile.width === TILE_WIDTH) throw error
    try {
      return await ports.remote(`/${fullTilePath(tile)}`)
    } catch {
      // The first error says why; that the full one is not there either is no news.
      throw error
    }
  }
}
