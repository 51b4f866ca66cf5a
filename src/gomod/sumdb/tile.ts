import { HASH_BYTES, nodeHash } from './tree-hash.ts'

/** How many levels of the tree are in one tile: what every checksum database and client uses (G25). */
export const TILE_HEIGHT = 8
/** Hashes in a full tile. */
export const TILE_WIDTH = 2 ** TILE_HEIGHT

/** A run of hashes of one level of the tree, or of records (G25). */
export interface Tile {
  /** Level n holds hashes over `256 ** n` records each; `data` holds the records. */
  level: number | 'data'
  /** Its place in the level, from 0. */
  index: number
  /** How many it holds: 1 to 256. */
  width: number
}

/** `tile/8/0/x001/x234/067.p/5` (G25). */
export function tilePath({ level, index, width }: Tile): string {
  const digits = [index % 1000]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) digits.unshift(rest % 1000)
  const groups = digits.map((digit, at) => `${at < digits.length - 1 ? 'x' : ''}${String(digit).padStart(3, '0')}`)
  return `tile/${TILE_HEIGHT}/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Reads a path as `tilePath` writes it; null where it is not one. */
export function parseTilePath(path: string): Tile | null {
  const match = /^tile\/8\/(data|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path)
  if (match === null) return null
  const [, level = '', groups = '', width = String(TILE_WIDTH)] = match
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const tile: Tile = { level: level === 'data' ? level : Number(level), index, width: Number(width) }
  return tile.level !== 'data' && tile.level > 63 ? null : tilePath(tile) === path ? tile : null
}

/** How many hashes a tile has in a tree of `size` records; 0 where it is not there. */
export function tileWidth(size: number, level: number | 'data', index: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'data' ? 0 : level))
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** The hash over a run of hashes, whose number is a power of two. */
export function hashOfHashes(hashes: Buffer): Buffer {
  if (hashes.length === HASH_BYTES) return hashes
  const half = hashes.length / 2
  return nodeHash(hashOfHashes(hashes.subarray(0, half)), hashOfHashes(hashes.subarray(half)))
}

/** Which tile holds what the hash over `2 ** level` records number `n` is made of, and where in it. */
export function placeInTile(level: number, n: number): { level: number; index: number; from: number; to: number } {
  const count = 2 ** (level % TILE_HEIGHT)
  const first = n * count
  const index = Math.floor(first / TILE_WIDTH)
  const from = first - index * TILE_WIDTH
  return { level: Math.floor(level / TILE_HEIGHT), index, from, to: from + count }
}
