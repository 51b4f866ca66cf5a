import { sortVersions } from '../../../gomod/version.ts'
import type { StoredVersion } from '../store/module-store.ts'
import type { LibraryAsk } from './answer.ts'
import type { FirstSeen } from './first-seen.ts'
import type { DatabaseAges, LibraryPolicy } from './library-parts.ts'

/** Of a long list that is new here, only its newest versions are worth a question each. */
const MOST_ASKED = 20

export interface VersionAgesParts {
  policy: LibraryPolicy
  /** Null: no checksum database can say. */
  ages: DatabaseAges | null
  /** The list of a module as it was told last. */
  listed: (module: string) => Promise<FirstSeen>
}

/** Which versions are old enough for the cooldown: first seen in a list, asked for, or in the checksum database. */
export class VersionAges {
  private readonly parts: VersionAgesParts

  constructor(parts: VersionAgesParts) {
    this.parts = parts
  }

  /** Throws ERR_MODULE_COOLDOWN for a version that is too young. It counts as seen all the same. */
  async check({ module, version, firstSeenMs }: StoredVersion, ask: LibraryAsk): Promise<void> {
    const { policy, listed } = this.parts
    if (!policy.isYoung(module, firstSeenMs)) return
    const here = Math.min(firstSeenMs, (await listed(module)).timeOf(version))
    if (!policy.isYoung(module, here)) return
    policy.checkAge(module, version, Math.min(here, await this.inDatabase(module, version, ask)))
  }

  /** Those of a module's versions that are old enough. */
  async oldEnough(module: string, versions: string[], seen: FirstSeen, ask: LibraryAsk): Promise<string[]> {
    const { policy } = this.parts
    const young = versions.filter((version) => policy.isYoung(module, seen.timeOf(version)))
    if (young.length === 0) return versions
    const refused = new Set(young)
    const asked = sortVersions(young).slice(-MOST_ASKED)
    const times = await Promise.all(asked.map((version) => this.inDatabase(module, version, ask)))
    for (const [at, time] of times.entries()) if (!policy.isYoung(module, time)) refused.delete(asked[at]!)
    return versions.filter((version) => !refused.has(version))
  }

  private async inDatabase(module: string, version: string, ask: LibraryAsk): Promise<number> {
    const { ages } = this.parts
    return ages === null || !ask.fetch ? Infinity : await ages.firstSeen(module, version, ask.signal)
  }
}
