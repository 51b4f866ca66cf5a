import { open, readdir, stat, utimes } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TurnpikeError } from '../../../../core/error.ts'
import type { Scope } from '../../../../engine/scope.ts'
import type { EngineServices } from '../../../../engine/services.ts'
import type { ModulePatterns } from '../../../../gomod/module-pattern.ts'
import type { StoreConfig } from '../../config.ts'
import type { ModuleStore, StoredVersion, ZipFile } from '../module-store.ts'
import { Occupancy } from '../occupancy.ts'
import { OpenZip } from '../open-zip.ts'
import { Rescans } from '../rescans.ts'
import type { StagedFile } from '../staged-file.ts'
import { damaged, storeError } from '../store-error.ts'
import { DiskDocuments } from './disk-documents.ts'
import { DiskStagedFile } from './disk-staged-file.ts'
import { DiskStaging } from './disk-staging.ts'
import { ifThere, makeFolder } from './durable.ts'
import { FolderLocks } from './folder-locks.ts'
import { FolderScan } from './folder-scan.ts'
import { MANIFEST, splitFileName, StoreFolder } from './store-folder.ts'
import { VersionFolder } from './version-folder.ts'
import { ZipProofs } from './zip-proofs.ts'

const TOUCHES_MS = 30_000
/** How soon this process hears of what others added or removed, where it has to keep a bound or is asked. */
const RESCAN_MS = 60_000
/** File systems round times; what is that much newer than thought was used by others. */
const TOUCHED_BY_OTHERS_MS = 10

export interface DiskStoreParts {
  services: EngineServices
  scope: Scope
  pinned: ModulePatterns
}

/** Versions in a folder, which several processes may use. */
export class DiskStore implements ModuleStore {
  readonly documents: DiskDocuments
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly pinned: ModulePatterns
  private readonly folder: StoreFolder
  private readonly staging: DiskStaging
  private readonly locks: FolderLocks
  private readonly files: VersionFolder
  private readonly occupancy: Occupancy
  private readonly scan: FolderScan
  private readonly proofs = new ZipProofs()
  /** Manifests whose time of last use is still to be written down. */
  private touched = new Map<string, number>()
  private readonly bounded: boolean
  private readonly rescans: Rescans

  private constructor(config: NonNullable<StoreConfig['disk']>, { services, scope, pinned }: DiskStoreParts) {
    this.services = services
    this.scope = scope
    this.pinned = pinned
    this.bounded = config.maxSize !== undefined || config.retention !== undefined
    this.rescans = new Rescans(scope, services.world, (signal) => this.rescan(signal))
    this.folder = new StoreFolder(resolve(config.path))
    this.occupancy = new Occupancy({
      maxBytes: config.maxSize ?? Infinity,
      retentionMs: config.retention ?? Infinity,
      evict: (module, version, usedMs) => this.evict(module, version, usedMs),
    })
    this.staging = new DiskStaging(this.folder.staging, services.ledger, this.occupancy)
    this.locks = new FolderLocks(this.folder.locks, services, scope)
    this.files = new VersionFolder(this.folder, this.staging)
    this.scan = new FolderScan(this.folder, this.files, this.occupancy, pinned)
    this.documents = new DiskDocuments(this.folder.documents, this.staging, this.locks)
  }

  /** Makes the folder, removes what processes that ended left half-done, and looks what is there. */
  static async open(config: NonNullable<StoreConfig['disk']>, parts: DiskStoreParts): Promise<DiskStore> {
    const store = new DiskStore(config, parts)
    const { downloads, documents, locks, staging } = store.folder
    await checked(`${config.path} cannot be used`, async () => {
      for (const folder of [downloads, documents, locks, staging]) await makeFolder(folder)
      await store.staging.sweep(parts.services.world.wallClock())
      await store.locks.sweep()
    })
    store.start()
    return store
  }

  async create(): Promise<StagedFile> {
    if (this.bounded) await this.rescans.seen()
    return this.staging.create()
  }

  async get(module: string, version: string): Promise<StoredVersion | null> {
    const stored = await checked('cannot be read', () => this.files.read(module, version))
    return stored !== null && this.pinned.matches(module) ? { ...stored, pinned: true } : stored
  }

  async put(version: StoredVersion, zip: StagedFile | null): Promise<void> {
    if (zip !== null && !(zip instanceof DiskStagedFile)) throw new RangeError('The zip was staged elsewhere.')
    if (this.bounded) await this.rescans.seen()
    const metadataBytes = version.info.length + version.mod.length
    // Before the lock is taken: to make room takes the locks of others.
    await this.occupancy.reserve(metadataBytes)
    try {
      await checked('cannot keep it', () =>
        this.changing(version.module, version.version, async (held) => {
          await this.files.commit(version, zip, held)
          await this.scan.added(version.module, version.version)
          if (zip !== null && zip.taken) await this.trust(version)
        }),
      )
    } finally {
      this.occupancy.release(metadataBytes)
    }
  }

  async openZip({ module, version, zip }: StoredVersion): Promise<ZipFile> {
    const path = this.files.file(module, version, 'zip')
    const handle = await checked('cannot be read', () => ifThere(open(path, 'r')))
    if (handle === null || zip === null) throw storeError(`has no zip of ${module}@${version} any more`)
    try {
      if ((await handle.stat()).size !== zip.size) throw damaged(module, version, 'its zip has another size')
      if (!(await this.proofs.holds(handle, path, zip.sha256))) throw damaged(module, version, 'its zip was changed')
    } catch (error) {
      await handle.close()
      throw asStoreError('cannot be read', error)
    }
    return new OpenZip(this.services.ledger, {
      size: zip.size,
      read: (into, position) =>
        checked('cannot be read', async () => (await handle.read(into, 0, into.length, position)).bytesRead),
      close: () => handle.close(),
    })
  }

  touch(module: string, version: string): void {
    const nowMs = this.services.world.wallClock()
    this.occupancy.touch(module, version, nowMs)
    this.touched.set(this.files.file(module, version, MANIFEST), nowMs)
  }

  async pin(module: string, version: string, pinned: boolean): Promise<void> {
    await checked('cannot pin it', () =>
      this.changing(module, version, async () => {
        await this.files.pin(module, version, pinned)
        await this.scan.added(module, version)
      }),
    )
  }

  async remove(module: string, version: string): Promise<void> {
    await checked('cannot remove it', () =>
      this.changing(module, version, async () => {
        await this.files.remove(module, version)
        this.scan.removed(module, version)
      }),
    )
  }

  async versions(module: string): Promise<string[]> {
    const names = await checked('cannot be read', () => ifThere(readdir(this.folder.versions(module))))
    const files = (names ?? []).map((name) => splitFileName(name))
    return files.flatMap((each) => (each?.file === MANIFEST ? [each.version] : []))
  }

  async *modules(): AsyncIterable<string> {
    for await (const module of this.folder.modules()) if ((await this.versions(module)).length > 0) yield module
  }

  async usage(): Promise<{ bytes: number; versions: number }> {
    await this.rescans.seen(RESCAN_MS)
    return { bytes: this.occupancy.bytes, versions: this.occupancy.versions }
  }

  async lastUsed(module: string, version: string): Promise<number> {
    const known = this.occupancy.usedMs(module, version)
    if (known !== undefined) return known
    return (await checked('cannot be read', () => this.files.measure(module, version)))?.usedMs ?? 0
  }

  async close(): Promise<void> {
    await checked('cannot be written', () => this.writeTouches())
  }

  private start(): void {
    const { scope, rescans } = this
    void rescans.run()
    if (this.bounded) scope.every(RESCAN_MS, () => void rescans.run())
    scope.every(TOUCHES_MS, () => scope.task(() => this.writeTouches()))
  }

  private async rescan(signal: AbortSignal): Promise<void> {
    const nowMs = this.services.world.wallClock()
    for (const { module, version } of await this.scan.run(nowMs, signal)) {
      await this.changing(module, version, async () => {
        // Whoever was at it may have committed it meanwhile.
        if ((await this.files.measure(module, version)) === null) await this.files.remove(module, version)
      })
    }
    await this.occupancy.expire(nowMs)
  }

  private async evict(module: string, version: string, usedMs: number): Promise<number | null> {
    return this.changing(module, version, async () => {
      const measured = await this.files.measure(module, version)
      if (measured !== null && measured.usedMs > usedMs + TOUCHED_BY_OTHERS_MS) return measured.usedMs
      await this.files.remove(module, version)
      this.scan.removed(module, version)
      return null
    })
  }

  /** One change of a version at a time, of all processes. */
  private changing<T>(module: string, version: string, work: (held: AbortSignal) => Promise<T>): Promise<T> {
    return this.locks.exclusively(`version ${module}@${version}`, work)
  }

  /** What was hashed while it came is not read again. */
  private async trust({ module, version, zip }: StoredVersion): Promise<void> {
    const path = this.files.file(module, version, 'zip')
    this.proofs.trust(path, zip!.sha256, await stat(path, { bigint: true }))
  }

  private async writeTouches(): Promise<void> {
    const { touched } = this
    this.touched = new Map()
    for (const [manifest, usedMs] of touched) await ifThere(utimes(manifest, usedMs / 1000, usedMs / 1000))
  }
}

async function checked<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asStoreError(what, error)
  }
}

const asStoreError = (what: string, error: unknown): TurnpikeError =>
  error instanceof TurnpikeError ? error : storeError(what, error)
