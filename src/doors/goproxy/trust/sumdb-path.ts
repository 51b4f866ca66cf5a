import { TurnpikeError } from '../../../core/error.ts'
import { checkModulePath, escapePath, unescapePath } from '../../../gomod/module-path.ts'
import { escapeVersion, isCanonical, unescapeVersion } from '../../../gomod/version.ts'
import { parseTilePath, type Tile } from '../../../gomod/sumdb/tile.ts'

/** What a path of a checksum database asks for (G24, G25). */
export type SumdbPath =
  | { kind: 'supported' | 'latest' | 'key' }
  | { kind: 'lookup'; module: string; version: string }
  | { kind: 'tile'; tile: Tile }

/** Reads what stands behind the name of the database. Throws ERR_MODULE_PATH. */
export function readSumdbPath(path: string): SumdbPath {
  if (path === '/supported' || path === '/latest' || path === '/key') {
    return { kind: path === '/supported' ? 'supported' : path === '/latest' ? 'latest' : 'key' }
  }
  if (path.startsWith('/lookup/')) return readLookup(path.slice('/lookup/'.length))
  const tile = parseTilePath(path.slice(1))
  return tile === null ? refuse(path) : { kind: 'tile', tile }
}

/** `PATH@VERSION`, both escaped: the one key of a version. */
export function lookupKey(module: string, version: string): string {
  return `${escapePath(module)}@${escapeVersion(version)}`
}

/** Only canonical versions have records. */
function readLookup(escaped: string): SumdbPath {
  const at = escaped.lastIndexOf('@')
  const module = unescapePath(escaped.slice(0, Math.max(0, at)))
  const version = unescapeVersion(escaped.slice(at + 1))
  if (module === null || version === null || checkModulePath(module) !== null || !isCanonical(version)) {
    return refuse(`/lookup/${escaped}`)
  }
  return { kind: 'lookup', module, version }
}

function refuse(path: string): never {
  throw new TurnpikeError('ERR_MODULE_PATH', { message: `${path}: no path of a checksum database.` })
}
