import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { World } from '../../../engine/world.ts'
import { goModH1 } from '../../../gomod/hash1.ts'
import type { Coordination } from '../coordination/coordination.ts'
import type { Ask, ModuleInfo, ModuleOrigin } from '../origin/module-origin.ts'
import type { ModuleStore, StoredVersion } from '../store/module-store.ts'
import type { ModuleTrust } from '../trust/module-trust.ts'
import type { CacheState, LibraryAsk } from './answer.ts'
import type { FetchGate } from './fetch-gate.ts'
import type { LibraryPolicy } from './library-parts.ts'
import type { LoneMods } from './lone-mods.ts'
import type { Negatives } from './negatives.ts'
import type { Refusals } from './refusals.ts'
import { saysCode, saysGone } from './says.ts'
import { SingleFlight } from './single-flight.ts'
import type { StoreTrouble } from './store-trouble.ts'

/** Git may have to fetch a large repository before it can say. */
const TOTAL_MS = 300_000

export interface VersionsParts {
  world: World
  scope: Scope
  origin: ModuleOrigin
  store: ModuleStore
  trust: ModuleTrust | null
  policy: LibraryPolicy
  coordination: Coordination
  gate: FetchGate
  negatives: Negatives
  trouble: StoreTrouble
  refusals: Refusals
  loneMods: LoneMods
  /** Told of each version that came to be kept. */
  stored: (version: StoredVersion) => void
}

/** A version with its `.info` and `.mod`, from wherever it is. */
export interface FoundVersion {
  version: StoredVersion
  cache: CacheState
}

/** The `.info` and `.mod` of canonical versions: fetched together, verified, kept as one, and never asked for again. */
export class Versions {
  private readonly parts: VersionsParts
  private readonly flights: SingleFlight<StoredVersion>

  constructor(parts: VersionsParts) {
    this.parts = parts
    this.flights = new SingleFlight(parts.scope, TOTAL_MS)
  }

  /** `known` is its `.info`, where somebody has asked for that already. */
  async get(module: string, version: string, ask: LibraryAsk, known?: ModuleInfo): Promise<FoundVersion> {
    const { negatives, policy, store } = this.parts
    const key = versionKey(module, version)
    // Another replica may have taken a private version in since it was asked for here in vain.
    if (!policy.isPrivate(module)) negatives.check(key)
    const kept = await store.get(module, version)
    if (kept !== null) {
      store.touch(module, version)
      return { version: kept, cache: 'hit' }
    }
    if (!ask.fetch) throw new TurnpikeError('ERR_MODULE_NOT_KEPT')
    negatives.check(key)
    const fetched = await this.flights.join(key, ask, (flight) => this.fetchOnce(module, version, flight, known))
    return { version: fetched, cache: 'miss' }
  }

  private async fetchOnce(module: string, version: string, ask: Ask, known?: ModuleInfo): Promise<StoredVersion> {
    const { coordination, gate, negatives, refusals, store } = this.parts
    const key = versionKey(module, version)
    try {
      return await coordination.exclusively(key, ask.signal, async () => {
        const kept = await store.get(module, version)
        return kept ?? (await gate.run(ask.signal, () => this.fetchAlone(module, version, ask, known)))
      })
    } catch (error) {
      negatives.learn(key, error)
      refusals.tell(module, version, error)
      throw error
    }
  }

  private async fetchAlone(module: string, version: string, ask: Ask, known?: ModuleInfo): Promise<StoredVersion> {
    const { origin, trust, world } = this.parts
    // Both, or the first failure once neither goes on: an origin is not left talking.
    const [informed, given] = await Promise.allSettled([
      known ?? origin.info(module, version, ask),
      origin.mod(module, version, ask),
    ])
    if (informed.status === 'rejected' && given.status === 'fulfilled' && saysGone(informed.reason))
      await this.keepLone(module, version, given.value, ask)
    if (informed.status === 'rejected') throw informed.reason
    if (given.status === 'rejected') throw given.reason
    const [info, mod] = [informed.value, given.value]
    // G13: for a canonical version asked, the same version.
    if (info.version !== version) {
      throw new TurnpikeError('ERR_MODULE_UPSTREAM', {
        message: `${origin.name} answered ${module}@${version} with the .info of ${info.version}.`,
      })
    }
    const modH1 = goModH1(mod)
    await trust?.checkMod(module, version, modH1, ask.signal)
    const fetched: StoredVersion = {
      module,
      version,
      info: info.bytes,
      mod,
      zip: null,
      modH1,
      firstSeenMs: world.wallClock(),
      origin: ask.trail.decisions.at(-1)?.by ?? origin.name,
      pinned: false,
    }
    return await this.commit(fetched)
  }

  private async keepLone(module: string, version: string, mod: Buffer, ask: Ask): Promise<void> {
    const { trust, loneMods } = this.parts
    await trust?.checkMod(module, version, goModH1(mod), ask.signal)
    loneMods.keep(module, version, mod)
  }

  /** What is kept in the end: what was there first, where others were quicker. Where the store fails, nothing is. */
  private async commit(fetched: StoredVersion): Promise<StoredVersion> {
    const { refusals, store, stored, trouble } = this.parts
    const { module, version } = fetched
    try {
      await store.put(fetched, null)
    } catch (error) {
      const kept = saysCode(error, 'ERR_MODULE_CONFLICT') ? await store.get(module, version) : null
      if (kept === null && !saysCode(error, 'ERR_MODULE_STORE')) throw error
      if (kept === null) trouble.fails(error)
      else refusals.tell(module, version, error)
      return kept ?? fetched
    }
    trouble.works()
    stored(fetched)
    return fetched
  }
}

/** What stands for a version where one thing is done at a time. */
export function versionKey(module: string, version: string): string {
  return `${module}@${version}`
}
