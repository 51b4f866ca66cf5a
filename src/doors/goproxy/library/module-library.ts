import { TurnpikeError } from '../../../core/error.ts'
import { splitPathVersion } from '../../../gomod/module-path.ts'
import { checkPathMajor, isCanonical } from '../../../gomod/version.ts'
import { Trail } from '../origin/trail.ts'
import type { ModuleInfo } from '../origin/module-origin.ts'
import type { StoredVersion } from '../store/module-store.ts'
import type { Answer, LibraryAsk, ZipAnswer } from './answer.ts'
import { ChangingAnswers } from './changing-answers.ts'
import { FirstSeen } from './first-seen.ts'
import { FetchGate } from './fetch-gate.ts'
import { infoVersion } from './info-version.ts'
import { KeptAnswers } from './kept-answers.ts'
import type { LibraryParts } from './library-parts.ts'
import { LoneMods } from './lone-mods.ts'
import { Negatives } from './negatives.ts'
import { publishVersion, type Submission } from './publish-version.ts'
import { Refusals } from './refusals.ts'
import { saysGone } from './says.ts'
import { StoreTrouble } from './store-trouble.ts'
import { VersionAges } from './version-ages.ts'
import { latestKey, listKey, VersionLists } from './version-lists.ts'
import { versionKey, Versions, type FoundVersion } from './versions.ts'
import { ZipDownloads } from './zip-downloads.ts'

/** Told of each version that came to be kept, once for its `.info` and `.mod`, and once more with its zip. */
export type StoredListener = (version: StoredVersion) => void

/**
 * Every answer about modules, from the store where it has one, else from the origin: asked once for all who want it,
 * verified, and kept. Module paths and versions are unescaped and checked. Rejects with a TurnpikeError.
 */
export class ModuleLibrary {
  private readonly parts: LibraryParts
  private readonly negatives: Negatives
  private readonly changing: ChangingAnswers
  private readonly loneMods: LoneMods
  private readonly versions: Versions
  private readonly ages: VersionAges
  private readonly lists: VersionLists
  private readonly downloads: ZipDownloads
  private readonly listeners: StoredListener[] = []

  constructor(parts: LibraryParts) {
    this.parts = parts
    const { config, services, scope, store } = parts
    const { freshness, limits } = config
    const { world, notify } = services
    const trouble = new StoreTrouble(notify)
    const refusals = new Refusals(notify)
    // Zips have a gate of their own: a dozen slow ones must not hold up every question.
    const gate = new FetchGate(limits.concurrentFetches)
    const zipGate = new FetchGate(limits.concurrentFetches)
    const kept = new KeptAnswers(world, store.documents, trouble)
    const stored = (version: StoredVersion): Promise<void> => this.tellStored(version)
    this.negatives = new Negatives(world, freshness.notFound)
    const { negatives } = this
    this.changing = new ChangingAnswers({
      world,
      scope,
      gate,
      kept,
      negatives,
      staleWhileErrorMs: freshness.staleWhileError,
    })
    this.loneMods = new LoneMods(kept, scope)
    this.versions = new Versions({
      ...parts,
      loneMods: this.loneMods,
      world,
      gate,
      negatives,
      trouble,
      refusals,
      stored,
    })
    const { changing, versions } = this
    const listed = async (module: string): Promise<FirstSeen> => FirstSeen.of(await changing.last(listKey(module)))
    this.ages = new VersionAges({ ...parts, listed })
    this.lists = new VersionLists({ ...parts, world, freshness, changing, versions, ages: this.ages })
    this.downloads = new ZipDownloads({ ...parts, limits, gate: zipGate, negatives, trouble, refusals, stored })
  }

  /** `/@v/list`. */
  async list(module: string, ask: LibraryAsk): Promise<Answer> {
    this.parts.policy.checkDenied(module, null)
    return await this.lists.list(module, this.allowed(ask))
  }

  /** `/@latest`. */
  async latest(module: string, ask: LibraryAsk): Promise<Answer> {
    this.parts.policy.checkDenied(module, null)
    return await this.lists.latest(module, this.allowed(ask))
  }

  /** The `.info` of a version, or of what a branch, tag or revision is now (G13). */
  async info(module: string, query: string, ask: LibraryAsk): Promise<Answer> {
    if (!isVersionOf(module, query)) return await this.resolve(module, query, this.allowed(ask))
    const found = await this.find(module, query, ask)
    return immutable(found, found.version.info)
  }

  /** The `.mod` of a canonical version. */
  async mod(module: string, version: string, ask: LibraryAsk): Promise<Answer> {
    try {
      const found = await this.find(module, version, ask)
      return immutable(found, found.version.mod)
    } catch (error) {
      const lone = saysGone(error) ? await this.loneMods.find(module, version) : null
      if (lone === null) throw error
      return lone
    }
  }

  /** The zip of a canonical version. */
  async zip(module: string, version: string, ask: LibraryAsk): Promise<ZipAnswer> {
    const { version: known } = await this.find(module, version, ask)
    if (known.zip !== null) return await this.open(known)
    if (!this.allowed(ask).fetch) throw new TurnpikeError('ERR_MODULE_NOT_KEPT')
    const staged = await this.downloads.open(known, ask)
    if (staged !== null) return staged
    const kept = await this.parts.store.get(module, version)
    if (kept === null || kept.zip === null) throw new TurnpikeError('ERR_MODULE_STORE')
    return await this.open(kept)
  }

  /**
   * Takes a version in: checks it, keeps it for good. False where the very same is there already; rejects with
   * ERR_MODULE_INVALID where it is none, ERR_MODULE_CONFLICT where there is another.
   */
  async publish(submission: Submission, signal: AbortSignal): Promise<boolean> {
    const { config, coordination, services, store, checker } = this.parts
    const { module, version } = submission
    const key = versionKey(module, version)
    const parts = { world: services.world, store, checker, limits: config.limits }
    const published = await coordination.exclusively(key, signal, () => publishVersion(parts, submission))
    for (const gone of [key, `zip ${key}`, listKey(module), latestKey(module)]) this.negatives.forget(gone)
    if (published !== null) await this.tellStored(published)
    return published !== null
  }

  /** Tells of what comes to be kept from now on. */
  onStored(listener: StoredListener): void {
    this.listeners.push(listener)
  }

  private allowed(ask: LibraryAsk): LibraryAsk {
    return this.parts.config.offline ? { ...ask, fetch: false } : ask
  }

  private async find(module: string, version: string, ask: LibraryAsk): Promise<FoundVersion> {
    const allowed = this.allowed(ask)
    this.parts.policy.checkDenied(module, version)
    const found = await this.versions.get(module, version, allowed)
    await this.ages.check(found.version, allowed)
    return found
  }

  private async resolve(module: string, query: string, ask: LibraryAsk): Promise<Answer> {
    const { config, origin, policy, services } = this.parts
    policy.checkDenied(module, null)
    let fetched: ModuleInfo | null = null
    const { kept, cache } = await this.changing.get(
      {
        key: `query ${module}@${query}`,
        freshMs: config.freshness.latest,
        askOrigin: async (flight) => (fetched = await origin.info(module, query, flight)).bytes,
      },
      ask,
    )
    await this.keepResolved(module, infoVersion(kept.bytes), ask, fetched)
    const freshUntilMs = cache === 'stale' ? services.world.now() : kept.askedAtMs + config.freshness.latest
    return { bytes: kept.bytes, cache, modifiedMs: kept.modifiedMs, freshUntilMs }
  }

  /** What a branch is now may be gone from it tomorrow, when builds still want it; and it too can be too young. */
  private async keepResolved(
    module: string,
    version: string,
    ask: LibraryAsk,
    known: ModuleInfo | null,
  ): Promise<void> {
    const { policy, scope, services } = this.parts
    if (policy.isYoung(module, services.world.wallClock())) return void (await this.find(module, version, ask))
    if (known === null) return
    scope.task(async (signal) => {
      try {
        await this.versions.get(module, version, { signal, trail: new Trail(), fetch: true }, known)
      } catch {
        // Whoever asks for its files is told why.
      }
    })
  }

  private async open(version: StoredVersion): Promise<ZipAnswer> {
    const file = await this.parts.store.openZip(version)
    const { h1, sha256 } = version.zip!
    const close = (): Promise<void> => file.close()
    const whole = Promise.resolve()
    return { kind: 'stored', file, cache: 'hit', modifiedMs: version.firstSeenMs, h1, sha256, whole, close }
  }

  private async tellStored(version: StoredVersion): Promise<void> {
    const { log, services } = this.parts
    for (const listener of this.listeners) listener(version)
    if (log === null || version.zip === null) return
    try {
      await log.add(version.module, version.version, version.zip.h1, version.modH1)
    } catch (error) {
      const { code, message } = TurnpikeError.from(error, 'body')
      services.notify('warn', 'a version was kept and not logged yet', {
        module: version.module,
        version: version.version,
        code,
        error: message,
      })
    }
  }
}

/** Whether a query is a version that the module can have, rather than something to be looked up (x/mod/module Check). */
function isVersionOf(module: string, query: string): boolean {
  const path = splitPathVersion(module)
  return isCanonical(query) && path !== null && checkPathMajor(query, path.pathMajor) === null
}

function immutable({ version, cache }: FoundVersion, bytes: Buffer): Answer {
  return { bytes, cache, modifiedMs: version.firstSeenMs, freshUntilMs: Infinity }
}
