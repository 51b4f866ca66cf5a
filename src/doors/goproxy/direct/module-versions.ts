import { readGoMod, type Retraction } from '../../../gomod/go-mod-file.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import {
  canonicalVersion,
  checkPathMajor,
  compareVersions,
  parseVersion,
  sortVersions,
} from '../../../gomod/version.ts'
import { tagPrefix } from './module-place.ts'
import { findModuleRoot, type ModuleSource } from './module-root.ts'
import { ModuleAbsence } from './module-absence.ts'

/** Versions of a module by the repository's tags, sorted (G11, G16; coderepo.go Versions). Retracted ones are among them. */
export async function listVersions(source: ModuleSource): Promise<string[]> {
  const { place, repository } = source
  // Its tags are those of the path without the suffix (G15).
  if (place.module.startsWith('gopkg.in/') && place.module.endsWith('-unstable')) return []
  const prefix = tagPrefix(place)
  const compatible: string[] = []
  const others: string[] = []
  for (const { name } of await repository.tags(prefix)) {
    const version = name.slice(prefix.length)
    const isVersion = canonicalVersion(version) === version && !version.includes('+') && !isPseudoVersion(version)
    if (!isVersion) continue
    if (checkPathMajor(version, place.pathMajor) === null) compatible.push(version)
    else if (prefix === '' && place.pathMajor === '' && Number(majorOf(version)) > 1) others.push(version)
  }
  const list = sortVersions(compatible)
  return [...list, ...(await incompatibleVersions(source, list, sortVersions(others)))]
}

/** What the author takes back, by the go.mod of the highest release, or of the highest version (coderepo.go retractedVersions). */
export async function readRetractions(source: ModuleSource): Promise<Retraction[]> {
  const versions = (await listVersions(source)).filter((version) => !version.endsWith('+incompatible'))
  const highest = versions.findLast((version) => parseVersion(version)!.prerelease === '') ?? versions.at(-1)
  if (highest === undefined) return []
  try {
    const { goMod } = await findModuleRoot(source, highest)
    return goMod === null ? [] : readGoMod(goMod.toString()).retract
  } catch (error) {
    // A version that is none takes nothing back.
    if (error instanceof ModuleAbsence) return []
    throw error
  }
}

/** Whether one of them covers the version. */
export function isRetracted(version: string, retractions: readonly Retraction[]): boolean {
  return retractions.some(({ low, high }) => compareVersions(low, version) <= 0 && compareVersions(version, high) <= 0)
}

/** Majors from 2 on whose highest version has no go.mod, unless the highest of v0 and v1 has one (golang.org/issue/34189). */
async function incompatibleVersions({ repository, maxModBytes }: ModuleSource, list: string[], others: string[]) {
  const hasGoMod = async (version: string): Promise<boolean> => {
    const { hash } = await repository.revision(version)
    return (await repository.readFile(hash, 'go.mod', maxModBytes)) !== null
  }
  if (others.length === 0) return []
  const highest = list.at(-1)
  if (highest !== undefined && (await hasGoMod(highest))) return []
  const versions: string[] = []
  for (const major of new Set(others.map(majorOf))) {
    const ofMajor = others.filter((version) => majorOf(version) === major)
    if (!(await hasGoMod(ofMajor.at(-1)!))) versions.push(...ofMajor.map((version) => `${version}+incompatible`))
  }
  return versions
}

const majorOf = (version: string): string => parseVersion(version)!.major
