import { pseudoVersionBase, pseudoVersionRevision, pseudoVersionTime } from '../../../gomod/pseudo-version.ts'
import { compareVersions } from '../../../gomod/version.ts'
import type { Revision } from './git-repository.ts'
import { ModuleAbsence } from './module-absence.ts'
import { tagPrefix } from './module-place.ts'
import type { ModuleSource } from './module-root.ts'

/**
 * Checks that a pseudo-version says of its commit what is so: revision, time, and a base that the commit has behind it,
 * so that nobody can make up versions that win (G17; coderepo.go validatePseudoVersion). Rejects with a ModuleAbsence.
 */
export async function checkPseudoVersion(source: ModuleSource, revision: Revision, version: string): Promise<void> {
  const { place, repository } = source
  const short = revision.hash.slice(0, 12)
  const named = pseudoVersionRevision(version)!
  if (named !== short) throw new ModuleAbsence(revisionProblem(named, short))
  if (pseudoVersionTime(version) !== revision.timeS * 1000) {
    const expected = new Date(revision.timeS * 1000).toISOString().replaceAll(/[-:T]|\..*$/g, '')
    throw new ModuleAbsence(`does not match version-control timestamp (expected ${expected})`)
  }
  const base = pseudoVersionBase(version.replace(/\+incompatible$/, ''))
  if (base === null) throw new ModuleAbsence('malformed pseudo-version: version before its own base')
  if (base === '') {
    if (place.major === '' && version.startsWith('v1.')) {
      throw new ModuleAbsence('major version without preceding tag must be v0, not v1')
    }
    return
  }
  const prefix = tagPrefix(place)
  const canonical = (await repository.tagsAt(revision)).find((tag) => tag === prefix + base)
  if (canonical !== undefined) {
    const already = `tag (${canonical}) found on revision ${named} is already canonical`
    throw new ModuleAbsence(`${already}, so should not be replaced with a pseudo-version derived from that tag`)
  }
  const candidates = (await repository.tags(prefix + base)).filter(
    ({ name }) => compareVersions(name.slice(prefix.length), base) === 0,
  )
  for (const { name } of candidates) if (await repository.descendsFrom(revision.hash, name)) return
  const last = candidates.at(-1)
  if (last === undefined) throw new ModuleAbsence(`preceding tag (${base}) not found`)
  throw new ModuleAbsence(`revision ${named} is not a descendent of preceding tag (${last.name})`)
}

function revisionProblem(named: string, short: string): string {
  if (named.startsWith(short)) return `revision is longer than canonical (expected ${short})`
  if (short.startsWith(named)) return `revision is shorter than canonical (expected ${short})`
  return `does not match short name of revision (expected ${short})`
}
