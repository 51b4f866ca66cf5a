import type { World } from '../../../engine/world.ts'
import { isPseudoVersion } from '../../../gomod/pseudo-version.ts'
import { isCanonical, parseVersion, sortVersions } from '../../../gomod/version.ts'
import type { GoproxyConfig } from '../config.ts'
import type { ModuleOrigin } from '../origin/module-origin.ts'
import type { ModuleStore } from '../store/module-store.ts'
import type { Answer, CacheState, LibraryAsk } from './answer.ts'
import type { ChangingAnswers, Question } from './changing-answers.ts'
import { FirstSeen } from './first-seen.ts'
import type { KeptAnswer } from './kept-answers.ts'
import type { LibraryPolicy } from './library-parts.ts'
import { infoVersion } from './info-version.ts'
import { saysCode } from './says.ts'
import type { VersionAges } from './version-ages.ts'
import type { Versions } from './versions.ts'

export interface VersionListsParts {
  world: World
  origin: ModuleOrigin
  store: ModuleStore
  policy: LibraryPolicy
  freshness: GoproxyConfig['freshness']
  changing: ChangingAnswers
  versions: Versions
  ages: VersionAges
}

interface Found {
  kept: KeptAnswer
  cache: CacheState
}

/**
 * Which versions of a module there are, and which is the latest: what the origin says, and of private modules what is
 * kept here too, since some were published and no git has them. Versions that are too young are left out, so that the
 * go command chooses the newest that it can get.
 */
export class VersionLists {
  private readonly parts: VersionListsParts

  constructor(parts: VersionListsParts) {
    this.parts = parts
  }

  async list(module: string, ask: LibraryAsk): Promise<Answer> {
    const { versions, found } = await this.listed(module, ask)
    return this.answer(Buffer.from(versions.map((version) => `${version}\n`).join('')), found, 'list')
  }

  async latest(module: string, ask: LibraryAsk): Promise<Answer> {
    const { policy, world } = this.parts
    const own = await this.own(module, ask)
    const found = await this.found(this.latestQuestion(module), own, ask)
    const told = found === null ? [] : [infoVersion(found.kept.bytes)]
    const latest = latestOf([...told, ...own])!
    const mayBeYoung = policy.isYoung(module, world.wallClock())
    if (found !== null && latest === told[0] && !mayBeYoung) return this.answer(found.kept.bytes, found, 'latest')
    try {
      return await this.infoOf(module, latest, found, ask)
    } catch (error) {
      const older = saysCode(error, 'ERR_MODULE_COOLDOWN') ? await this.listed(module, ask) : null
      if (older === null || older.versions.length === 0) throw error
      return await this.infoOf(module, latestOf(older.versions)!, found, ask)
    }
  }

  private async listed(module: string, ask: LibraryAsk): Promise<{ versions: string[]; found: Found | null }> {
    const own = (await this.own(module, ask)).filter((version) => !isPseudoVersion(version))
    const found = await this.found(this.listQuestion(module), own, ask)
    const seen = FirstSeen.of(found?.kept ?? null)
    const versions = sortVersions(new Set([...seen.versions(), ...own]))
    return { versions: await this.parts.ages.oldEnough(module, versions, seen, ask), found }
  }

  private async infoOf(module: string, version: string, found: Found | null, ask: LibraryAsk): Promise<Answer> {
    const { ages, versions } = this.parts
    const { version: kept } = await versions.get(module, version, ask)
    await ages.check(kept, ask)
    return this.answer(kept.info, found, 'latest')
  }

  /** What the store itself knows of: for modules that nobody else may know, and where nobody may be asked. */
  private async own(module: string, ask: LibraryAsk): Promise<string[]> {
    const { policy, store } = this.parts
    return policy.isPrivate(module) || !ask.fetch ? await store.versions(module) : []
  }

  /** What the origin says; null where it knows of none, or cannot say, and there are versions of our own. */
  private async found(question: Question, own: string[], ask: LibraryAsk): Promise<Found | null> {
    const { changing } = this.parts
    try {
      return await changing.get(question, ask)
    } catch (error) {
      if (own.length === 0 || ask.signal.aborted) throw error
      // What is published here may have a name that leads nowhere: it is not followed at every request.
      if (ask.fetch) changing.rest(question, error)
      return null
    }
  }

  private answer(bytes: Buffer, found: Found | null, kind: 'list' | 'latest'): Answer {
    const { freshness, world } = this.parts
    const now = world.now()
    if (found === null) return { bytes, cache: 'hit', modifiedMs: world.wallClock(), freshUntilMs: now }
    const { cache, kept } = found
    const freshUntilMs = cache === 'stale' ? now : kept.askedAtMs + freshness[kind]
    return { bytes, cache, modifiedMs: kept.modifiedMs, freshUntilMs }
  }

  private listQuestion(module: string): Question {
    const { freshness, origin, world } = this.parts
    return {
      key: listKey(module),
      freshMs: freshness.list,
      // G11: canonical versions only, no pseudo-versions.
      askOrigin: async (ask, before) => {
        const versions = (await origin.list(module, ask)).filter((each) => isCanonical(each) && !isPseudoVersion(each))
        return FirstSeen.of(before).now(sortVersions(new Set(versions)), world.wallClock())
      },
    }
  }

  private latestQuestion(module: string): Question {
    const { freshness, origin } = this.parts
    const askOrigin: Question['askOrigin'] = async (ask) => (await origin.latest(module, ask)).bytes
    return { key: latestKey(module), freshMs: freshness.latest, askOrigin }
  }
}

/** What stands for the list of a module. */
export function listKey(module: string): string {
  return `list ${module}`
}

/** What stands for `@latest` of a module. */
export function latestKey(module: string): string {
  return `latest ${module}`
}

/** As the go command chooses: releases before pre-releases, and both before commits without a tag. */
function latestOf(versions: readonly string[]): string | undefined {
  const sorted = sortVersions(versions)
  return (
    sorted.findLast((version) => parseVersion(version)?.prerelease === '') ??
    sorted.findLast((version) => !isPseudoVersion(version)) ??
    sorted.at(-1)
  )
}
