import type { Retraction } from '../../../gomod/go-mod-file.ts'
import { isPseudoVersion, pseudoVersion } from '../../../gomod/pseudo-version.ts'
import { canonicalVersion, checkPathMajor, compareVersions, parseVersion } from '../../../gomod/version.ts'
import type { Revision } from './git-repository.ts'
import { ModuleAbsence } from './module-absence.ts'
import { tagPrefix } from './module-place.ts'
import { findModuleRoot, type ModuleSource } from './module-root.ts'
import { isRetracted, readRetractions } from './module-versions.ts'
import { checkPseudoVersion } from './pseudo-version-check.ts'

/** Digits of a hash in a pseudo-version (G17). */
const REVISION_DIGITS = 12

const INCOMPATIBLE = '+incompatible'

/** Turns a commit into the version that it is for a module (G13, G16, G17; coderepo.go convert). */
export class VersionResolution {
  private readonly source: ModuleSource
  private readonly revision: Revision
  private readonly asked: string
  private readonly goMods = new Map<string, Promise<Buffer | null>>()
  private retractions: readonly Retraction[] = []

  /** `asked` is the version or query that led to the commit, '' where the latest was asked for. */
  constructor(source: ModuleSource, revision: Revision, asked: string) {
    this.source = source
    this.revision = revision
    this.asked = asked
  }

  /** Rejects with a ModuleAbsence where the commit is no version, or not the one that was asked for. */
  async version(): Promise<string> {
    const { source, revision, asked } = this
    if (isPseudoVersion(asked)) {
      const version = await this.accepted(asked)
      await checkPseudoVersion(source, revision, asked)
      return version
    }
    const own = revision.tag === null ? null : this.versionOfTag(revision.tag)
    if (own?.exact === true) {
      try {
        return await this.accepted(own.version)
      } catch (error) {
        // Another tag of the commit may do.
        if (!(error instanceof ModuleAbsence)) throw error
      }
    }
    this.retractions = await readRetractions(source)
    let highest = ''
    let base = ''
    for (const tag of await source.repository.tagsAt(revision)) {
      const named = this.versionOfTag(tag)
      if (named === null) continue
      const { version, exact } = named
      const isAsked = parseVersion(asked) !== null && compareVersions(version, asked) === 0
      if (isAsked && exact) return this.accepted(version)
      // Tags such as v1.0.0+a and v1.0.0+b can stand side by side: only a pseudo-version tells their commits apart.
      if (isAsked) base = version
      if (exact && compareVersions(highest, version) < 0 && (await this.isUsable(version))) highest = version
    }
    if (highest !== '') return this.accepted(highest)
    if (base === '') base = await this.recentVersion()
    const { place } = source
    return this.accepted(
      pseudoVersion(place.major, base, revision.timeS * 1000, revision.hash.slice(0, REVISION_DIGITS)),
    )
  }

  /** The version that a pseudo-version of the commit comes after; '' where there is none. */
  private async recentVersion(): Promise<string> {
    const { repository, place } = this.source
    const tag = await repository.recentTag(this.revision.hash, tagPrefix(place), async (name) => {
      const named = this.versionOfTag(name)
      return named !== null && (await this.isUsable(named.version))
    })
    return tag === null ? '' : this.versionOfTag(tag)!.version
  }

  private async isUsable(version: string): Promise<boolean> {
    if (isRetracted(version, this.retractions)) return false
    return this.fitsPath(version) || (await this.mayBeIncompatible(version))
  }

  /** The version that a tag stands for; `exact` where it is written as versions are. */
  private versionOfTag(tag: string): { version: string; exact: boolean } | null {
    const prefix = tagPrefix(this.source.place)
    if (!tag.startsWith(prefix) || isPseudoVersion(tag)) return null
    const text = tag.slice(prefix.length)
    // A `+incompatible` that was written into a tag means nothing.
    const version = canonicalVersion(text)?.replace(/\+incompatible$/, '') ?? ''
    return version === '' || !text.startsWith(version) ? null : { version, exact: text === version }
  }

  /** The version with `+incompatible` where it needs that; rejects where it cannot be one of this module. */
  private async accepted(found: string): Promise<string> {
    const { asked, source } = this
    const { place } = source
    await findModuleRoot(source, found)
    let version = found === withoutSuffix(asked) ? asked : found
    const base = withoutSuffix(version)
    let problem = ''
    if (this.fitsPath(base)) {
      if (version !== base) problem = `${INCOMPATIBLE} suffix not allowed: major version ${majorOf(base)} is compatible`
    } else if (await this.mayBeIncompatible(base)) version = base + INCOMPATIBLE
    else if (place.pathMajor !== '') {
      problem = 'module path includes a major version suffix, so major version must match'
    } else {
      const path = JSON.stringify(`${place.prefix}/${majorOf(base)}`)
      problem = `module contains a go.mod file, so module path must match major version (${path})`
    }
    if (canonicalVersion(asked) === asked && withoutSuffix(asked) !== base) {
      throw new ModuleAbsence(`resolves to version ${version} (${withoutSuffix(asked)} is not a tag)`)
    }
    if (problem !== '') throw new ModuleAbsence(problem)
    return version
  }

  private fitsPath(version: string): boolean {
    return checkPathMajor(version, this.source.place.pathMajor) === null
  }

  /** G16: only without any go.mod at the root; and without one in `vN/`, unless the suffix was asked for. */
  private async mayBeIncompatible(version: string): Promise<boolean> {
    const { place } = this.source
    if (place.folder !== '' || place.pathMajor !== '') return false
    if ((await this.goMod('go.mod')) !== null) return false
    return this.asked.endsWith(INCOMPATIBLE) || (await this.goMod(`${majorOf(version)}/go.mod`)) === null
  }

  private goMod(path: string): Promise<Buffer | null> {
    const { repository, maxModBytes } = this.source
    let read = this.goMods.get(path)
    if (read === undefined) {
      read = repository.readFile(this.revision.hash, path, maxModBytes)
      this.goMods.set(path, read)
    }
    return read
  }
}

const withoutSuffix = (version: string): string => version.replace(/\+incompatible$/, '')

const majorOf = (version: string): string => `v${parseVersion(version)?.major ?? ''}`
