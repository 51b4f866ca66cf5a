import { TurnpikeError } from '../../../core/error.ts'
import { checkModulePath, splitPathVersion, unescapePath } from '../../../gomod/module-path.ts'
import { checkPathMajor, isCanonical, unescapeVersion } from '../../../gomod/version.ts'
import { pathBelow } from './path-below.ts'

/** A request target, read: what it asks for. Paths and versions are unescaped and checked. */
export type ModuleRequest =
  | { kind: 'list' | 'latest'; module: string }
  /** `version` is canonical for `mod` and `zip`, and whatever is to be resolved for `info` (G13, G14). */
  | { kind: 'info' | 'mod' | 'zip'; module: string; version: string }
  /** `path` begins with the database's name. */
  | { kind: 'sumdb'; path: string }
  | { kind: 'index' | 'catalog'; query: URLSearchParams }

/** Reads a request target as received, below `mount` ('' for the root). Throws ERR_MODULE_PATH. */
export function readModuleRequest(target: string, mount: string): ModuleRequest {
  const { path, query } = pathBelow(target, mount)
  if (path.startsWith('sumdb/')) return { kind: 'sumdb', path: path.slice('sumdb/'.length) }
  if (path === 'index' || path === 'catalog') return { kind: path, query: new URLSearchParams(query) }
  if (path.endsWith('/@latest')) return { kind: 'latest', module: moduleOf(path.slice(0, -'/@latest'.length)) }
  const at = path.indexOf('/@v/')
  if (at < 0) refuse(`/${path}`, 'it names no file of a module: /@v/list, /@latest, /@v/VERSION.info, .mod or .zip')
  const module = moduleOf(path.slice(0, at))
  const file = path.slice(at + '/@v/'.length)
  if (file === 'list') return { kind: 'list', module }
  const dot = file.lastIndexOf('.')
  const kind = file.slice(dot + 1)
  if (kind !== 'info' && kind !== 'mod' && kind !== 'zip') refuse(file, 'it ends in none of .info, .mod and .zip')
  const version = unescapeVersion(file.slice(0, dot))
  if (version === null || version === '') refuse(file.slice(0, dot), 'it is no version')
  if (kind !== 'info') checkCanonical(module, version)
  return { kind, module, version }
}

function moduleOf(escaped: string): string {
  // G1: one spelling, so that there is one key for it.
  const module = unescapePath(escaped)
  if (module === null) refuse(escaped, 'it is no escaped module path')
  const wrong = checkModulePath(module)
  if (wrong !== null) refuse(module, wrong)
  return module
}

/** G14 */
function checkCanonical(module: string, version: string): void {
  if (!isCanonical(version)) refuse(version, 'a .mod or .zip is that of a canonical version such as v1.2.3')
  const split = splitPathVersion(module)
  const wrong = split === null ? 'its path is malformed' : checkPathMajor(version, split.pathMajor)
  if (wrong !== null) refuse(`${module}@${version}`, wrong)
}

function refuse(what: string, why: string): never {
  throw new TurnpikeError('ERR_MODULE_PATH', { message: `${what}: ${why}.` })
}
