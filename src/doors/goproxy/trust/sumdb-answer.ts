import type { Tile } from '../../../gomod/sumdb/tile.ts'

/** What stands behind a path of a checksum database. */
export interface SumdbAnswer {
  bytes: Buffer
  /** For `Content-Type`. */
  type: string
  /** How long it may be repeated without asking, in ms; Infinity for what never changes. */
  freshMs: number
}

/** A checksum database that is served under `/sumdb/NAME/`. */
export interface ServedSumdb {
  readonly name: string
  /** Whether it names private modules, so that no cache that others read may keep it. */
  readonly namesPrivate: boolean
  /** `path` is what stands behind the name, such as `/lookup/M@V`. Rejects with a TurnpikeError, 404 for what is not there. */
  serve(path: string, signal: AbortSignal): Promise<SumdbAnswer>
}

/** Text that is good for so long. */
export function textAnswer(text: string | Buffer, freshMs: number): SumdbAnswer {
  return { bytes: Buffer.from(text), type: 'text/plain; charset=UTF-8', freshMs }
}

/** A tile: what it holds never changes. */
export function tileAnswer(tile: Tile, bytes: Buffer): SumdbAnswer {
  const type = tile.level === 'data' ? 'text/plain; charset=UTF-8' : 'application/octet-stream'
  return { bytes, type, freshMs: Infinity }
}
