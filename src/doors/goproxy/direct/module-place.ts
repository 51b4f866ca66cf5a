import { posix } from 'node:path'
import { splitPathVersion } from '../../../gomod/module-path.ts'
import { isPseudoVersion, pseudoVersionRevision } from '../../../gomod/pseudo-version.ts'
import { majorOfPath, parseVersion } from '../../../gomod/version.ts'
import { ModuleAbsence } from './module-absence.ts'

/** Where a module stands in its repository (cmd/go/internal/modfetch, coderepo.go, newCodeRepo). */
export interface ModulePlace {
  module: string
  /** The path that stands for the repository itself. */
  root: string
  /** Folder of the module without its major version, '' for the repository itself. */
  folder: string
  /** The module path without its major version; the whole of it where that is the repository's too. */
  prefix: string
  /** `/v2`, `.v2`, or ''. */
  pathMajor: string
  /** `v2`, or '' where v0 and v1 are meant. */
  major: string
}

/** `subdirectory` is that of a go-import answer, '' for none. Throws a ModuleAbsence where there can be no such module. */
export function placeOf(module: string, root: string, subdirectory: string): ModulePlace {
  const split = splitPathVersion(module)
  if (split === null) throw new ModuleAbsence(`invalid module path ${JSON.stringify(module)}`, 'module')
  const { pathMajor } = split
  const prefix = module === root ? module : split.prefix
  if (prefix !== root && !prefix.startsWith(`${root}/`)) {
    throw new ModuleAbsence(`repository rooted at ${root} cannot contain module ${module}`, 'module')
  }
  const below = posix.join(prefix.slice(root.length + 1), subdirectory).replace(/\/$/, '')
  if (/^\.\.(?:\/|$)/.test(below)) throw new ModuleAbsence(`${subdirectory} is outside of the repository`, 'module')
  const folder = below === '.' ? '' : below
  return { module, root, folder, prefix, pathMajor, major: majorOfPath(pathMajor) }
}

/** What tags of its versions begin with: its folder (G15). */
export function tagPrefix({ folder }: ModulePlace): string {
  return folder === '' ? '' : `${folder}/`
}

/** What a version is called in the repository: its tag, or the revision of a pseudo-version; a query as it is. */
export function revisionName(place: ModulePlace, query: string): string {
  if (parseVersion(query) === null) return query
  if (isPseudoVersion(query)) return pseudoVersionRevision(query)!
  return tagPrefix(place) + query.replace(/\+incompatible$/, '')
}
