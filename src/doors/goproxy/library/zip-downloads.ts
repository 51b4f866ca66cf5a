import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { CheckedZip } from '../../../gomod/zip/check-zip.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import { syntheticGoMod } from '../../../gomod/go-mod-file.ts'
import type { Coordination } from '../coordination/coordination.ts'
import type { Ask, ModuleOrigin } from '../origin/module-origin.ts'
import type { ModuleStore, StoredVersion, StoredZip } from '../store/module-store.ts'
import type { StagedFile } from '../store/staged-file.ts'
import type { ModuleTrust } from '../trust/module-trust.ts'
import type { LibraryAsk, ZipAnswer } from './answer.ts'
import { BoundedFile } from './bounded-file.ts'
import type { FetchGate } from './fetch-gate.ts'
import type { ZipChecking } from './library-parts.ts'
import type { Negatives } from './negatives.ts'
import type { Refusals } from './refusals.ts'
import { saysCode } from './says.ts'
import type { StoreTrouble } from './store-trouble.ts'
import { versionKey } from './versions.ts'
import { ZipDownload } from './zip-download.ts'

export interface ZipDownloadsParts {
  scope: Scope
  origin: ModuleOrigin
  store: ModuleStore
  trust: ModuleTrust | null
  checker: ZipChecking
  limits: ZipLimits
  coordination: Coordination
  gate: FetchGate
  negatives: Negatives
  trouble: StoreTrouble
  refusals: Refusals
  /** Told of each version whose zip came to be kept. */
  stored: (version: StoredVersion) => Promise<void>
}

/** Zips that are not kept yet: one download each, checked before its end is let out, and then kept. */
export class ZipDownloads {
  private readonly parts: ZipDownloadsParts
  private readonly running = new Map<string, ZipDownload>()

  constructor(parts: ZipDownloadsParts) {
    this.parts = parts
  }

  /** Joins the download of a version's zip, or begins it. Null: the store has it by now. */
  open(version: StoredVersion, ask: LibraryAsk): Promise<ZipAnswer | null> {
    const key = versionKey(version.module, version.version)
    this.parts.negatives.check(`zip ${key}`)
    const running = this.running.get(key) ?? this.begin(key, version)
    return running.open(ask, version.firstSeenMs)
  }

  private begin(key: string, version: StoredVersion): ZipDownload {
    const { coordination, gate, negatives, refusals, scope, store, trouble } = this.parts
    const download = new ZipDownload({
      scope,
      trouble,
      fetch: async (ask, staged) => {
        try {
          await coordination.exclusively(key, ask.signal, async () => {
            const kept = await store.get(version.module, version.version)
            if ((kept?.zip ?? null) === null) await gate.run(ask.signal, () => this.download(version, ask, staged))
          })
        } catch (error) {
          negatives.learn(`zip ${key}`, error)
          refusals.tell(version.module, version.version, error)
          throw error
        }
      },
      over: () => {
        if (this.running.get(key) === download) this.running.delete(key)
      },
    })
    this.running.set(key, download)
    return download
  }

  private async download(version: StoredVersion, ask: Ask, staged: (file: StagedFile) => void): Promise<void> {
    const { limits, origin, store, trouble } = this.parts
    const file = await store.create()
    try {
      staged(file)
      await origin.zip(version.module, version.version, new BoundedFile(file, limits.zip), ask)
      const { h1 } = await this.checked(version, file, ask.signal)
      file.release()
      await this.keep(version, file, { size: file.size, sha256: file.sha256(), h1 })
    } catch (error) {
      const failure = TurnpikeError.from(ask.signal.aborted ? ask.signal.reason : error, 'body')
      file.fail(failure)
      throw failure
    } finally {
      await trouble.unlessFailing(() => file.discard())
    }
  }

  /** Structure, hash, checksum database, and that its go.mod is the one that was told before. */
  private async checked(version: StoredVersion, file: StagedFile, signal: AbortSignal): Promise<CheckedZip> {
    const { checker, limits, trust } = this.parts
    const checked = await checker.check(file, version.module, version.version, limits)
    const verdict = await trust?.checkZip(version.module, version.version, checked.h1, signal)
    // G14: without a go.mod, `module PATH` alone. What the database has of both may be older than that rule.
    const agrees =
      checked.modH1 === null
        ? verdict === 'verified' || version.mod.equals(Buffer.from(syntheticGoMod(version.module)))
        : checked.modH1 === version.modH1
    if (agrees) return checked
    throw new TurnpikeError('ERR_MODULE_ZIP', {
      message: `The go.mod in the zip of ${versionKey(version.module, version.version)} is not its .mod.`,
    })
  }

  /** It is what it should be, and clients get it whether or not the store can take it. */
  private async keep(version: StoredVersion, file: StagedFile, zip: StoredZip): Promise<void> {
    const { refusals, store, stored, trouble } = this.parts
    const whole = { ...version, zip }
    try {
      await store.put(whole, file)
    } catch (error) {
      if (saysCode(error, 'ERR_MODULE_STORE')) return trouble.fails(error)
      // Another replica kept other contents first: those are served from now on.
      if (saysCode(error, 'ERR_MODULE_CONFLICT')) return refusals.tell(version.module, version.version, error)
      throw error
    }
    trouble.works()
    await stored(whole)
  }
}
