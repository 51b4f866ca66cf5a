import { escapePath, unescapePath } from '../../../../gomod/module-path.ts'
import { escapeVersion, unescapeVersion } from '../../../../gomod/version.ts'
import { storeError } from '../store-error.ts'

/** Versions without their zips, so that the versions of a module, and all modules, are a short list. */
export const VERSIONS = 'versions/'
export const ZIPS = 'zips/'
/** Empty objects that say of a version that it is pinned: a list of them tells it of all. */
export const PINS = 'pins/'

/** Of a module's versions; `above` is one of the above. */
export function modulePrefix(above: string, module: string): string {
  const escaped = escapePath(module)
  if (escaped === null) throw storeError(`has no place for the module ${JSON.stringify(module)}`)
  return `${above}${escaped}/@v/`
}

export function versionKey(above: string, module: string, version: string): string {
  const escaped = escapeVersion(version)
  if (escaped === null) throw storeError(`has no place for the version ${JSON.stringify(version)}`)
  return modulePrefix(above, module) + escaped
}

/** Its hash is in the key: of two that put the same version at once, neither writes over the other's zip. */
export function zipKey(module: string, version: string, sha256: string): string {
  return `${versionKey(ZIPS, module, version)}/${sha256}`
}

/** Which version a key is of; null where it is of none. */
export function splitKey(above: string, key: string): { module: string; version: string } | null {
  const [, path, rest] = /^(.+)\/@v\/([^/]+)/.exec(key.slice(above.length)) ?? []
  const module = unescapePath(path ?? '')
  const version = unescapeVersion(rest ?? '')
  return module === null || version === null ? null : { module, version }
}
