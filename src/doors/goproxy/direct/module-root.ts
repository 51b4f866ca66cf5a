import { readGoMod } from '../../../gomod/go-mod-file.ts'
import { splitPathVersion } from '../../../gomod/module-path.ts'
import { majorOfPath, parseVersion } from '../../../gomod/version.ts'
import type { GitRepository } from './git-repository.ts'
import { ModuleAbsence } from './module-absence.ts'
import { revisionName, type ModulePlace } from './module-place.ts'

/** What all questions to one module need. */
export interface ModuleSource {
  place: ModulePlace
  repository: GitRepository
  /** Largest go.mod that is read. */
  maxModBytes: number
}

/** The folder of a module at one commit. */
export interface ModuleRoot {
  hash: string
  folder: string
  /** Null where it has no go.mod. */
  goMod: Buffer | null
}

const join = (folder: string, file: string): string => (folder === '' ? file : `${folder}/${file}`)

/**
 * Finds the folder of a version: the module's own, or the one named `vN` below, whichever has the go.mod that says so
 * (G15; coderepo.go findDir). Rejects with a ModuleAbsence where none does.
 */
export async function findModuleRoot(source: ModuleSource, version: string): Promise<ModuleRoot> {
  const { place, repository, maxModBytes } = source
  const { folder, pathMajor, prefix, root } = place
  const name = revisionName(place, version)
  const { hash } = await repository.revision(name)
  const read = (file: string): Promise<Buffer | null> => repository.readFile(hash, file, maxModBytes)
  const at = `at revision ${name}`

  const file = join(folder, 'go.mod')
  const goMod = await read(file)
  const declared = goMod === null ? null : readGoMod(goMod.toString()).module
  const matches = isOfMajor(declared, pathMajor) || (pathMajor === '' && declared?.startsWith('gopkg.in/') === true)

  const mayBeBelow = pathMajor !== '' && root !== place.module && !pathMajor.startsWith('.')
  if (mayBeBelow) {
    const folderBelow = join(folder, pathMajor.slice(1))
    const fileBelow = join(folderBelow, 'go.mod')
    const goModBelow = await read(fileBelow)
    if (goModBelow !== null) {
      const declaredBelow = readGoMod(goModBelow.toString()).module
      const matchesBelow = isOfMajor(declaredBelow, pathMajor)
      if (matches && matchesBelow) {
        const both = `${prefix}/${file} and ...${pathMajor}/go.mod both have ...${pathMajor} module paths`
        throw new ModuleAbsence(`${both} ${at}`)
      }
      if (matchesBelow) return { hash, folder: folderBelow, goMod: goModBelow }
      if (declaredBelow === null) throw new ModuleAbsence(`${root}/${fileBelow} is missing module path ${at}`)
      const wrong = `non-...${pathMajor} module path ${JSON.stringify(declaredBelow)}`
      throw new ModuleAbsence(`${root}/${fileBelow} has ${wrong} ${at}`)
    }
  }

  if (goMod !== null) {
    if (matches) return { hash, folder, goMod }
    const only = mayBeBelow ? ` (and ...${pathMajor}/go.mod does not exist)` : ''
    throw new ModuleAbsence(`${file} ${mismatch(declared, pathMajor, version, only)} ${at}`)
  }
  // Without a go.mod there is a module at the root alone, of v0 and v1 or in gopkg.in (G14, G16).
  if (folder === '' && (pathMajor === '' || pathMajor.startsWith('.'))) return { hash, folder, goMod: null }
  const alsoBelow = mayBeBelow ? ` and ...${pathMajor}/go.mod` : ''
  throw new ModuleAbsence(`missing ${prefix}/go.mod${alsoBelow} ${at}`)
}

function mismatch(declared: string | null, pathMajor: string, version: string, only: string): string {
  if (declared === null) return `is missing module path${only}`
  const path = `module path ${JSON.stringify(declared)}${only}`
  if (pathMajor !== '') return `has non-...${pathMajor} ${path}`
  if (splitPathVersion(declared) === null) return `has malformed ${path}`
  return `has post-v${parseVersion(version)?.major ?? ''} ${path}`
}

/** Whether a declared path is for the same major versions, whatever else it says: it may be a fork's (coderepo.go isMajor). */
function isOfMajor(declared: string | null, pathMajor: string): boolean {
  const split = declared === null ? null : splitPathVersion(declared)
  if (split === null) return false
  if (pathMajor === '') return ['', 'v0', 'v1'].includes(majorOfPath(split.pathMajor))
  return split.pathMajor !== '' && pathMajor.slice(1) === split.pathMajor.slice(1)
}
