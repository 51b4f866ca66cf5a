import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { StoreConfig } from '../config.ts'
import { checkSame } from './check-same.ts'
import { MemoryDocuments } from './memory-documents.ts'
import { MemoryStagedFile } from './memory-staged-file.ts'
import type { ModuleStore, StoredVersion, ZipFile } from './module-store.ts'
import { Occupancy } from './occupancy.ts'
import { OpenZip } from './open-zip.ts'
import type { StagedFile } from './staged-file.ts'
import { storeError } from './store-error.ts'

interface MemoryStoreParts {
  services: EngineServices
  scope: Scope
  pinned: ModulePatterns
}

interface Entry {
  stored: StoredVersion
  zip: MemoryStagedFile | null
}

/** Versions in memory: gone with the process. */
export class MemoryStore implements ModuleStore {
  readonly documents: MemoryDocuments
  private readonly services: EngineServices
  private readonly pinned: ModulePatterns
  private readonly byModule = new Map<string, Map<string, Entry>>()
  private readonly occupancy: Occupancy

  constructor(config: NonNullable<StoreConfig['memory']>, { services, pinned }: MemoryStoreParts) {
    this.services = services
    this.pinned = pinned
    this.documents = new MemoryDocuments(services.world)
    this.occupancy = new Occupancy({
      maxBytes: config.maxSize,
      retentionMs: Infinity,
      evict: (module, version) => {
        this.forget(module, version)
        return Promise.resolve(null)
      },
    })
  }

  create(): Promise<StagedFile> {
    return Promise.resolve(new MemoryStagedFile(this.services.ledger, this.occupancy))
  }

  get(module: string, version: string): Promise<StoredVersion | null> {
    return Promise.resolve(this.entry(module, version)?.stored ?? null)
  }

  async put(version: StoredVersion, zip: StagedFile | null): Promise<void> {
    if (zip !== null && !(zip instanceof MemoryStagedFile)) throw new RangeError('The zip was staged elsewhere.')
    const there = this.entry(version.module, version.version)
    if (there !== undefined) checkSame(there.stored, version)
    const metadataBytes = there === undefined ? version.info.length + version.mod.length : 0
    await this.occupancy.reserve(metadataBytes)
    this.commit(version, zip)
    this.occupancy.release(metadataBytes)
  }

  openZip(version: StoredVersion): Promise<ZipFile> {
    const zip = this.entry(version.module, version.version)?.zip ?? null
    if (zip === null) return Promise.reject(storeError(`has no zip of ${version.module}@${version.version} any more`))
    const size = zip.size
    return Promise.resolve(
      new OpenZip(this.services.ledger, {
        size,
        read: (into, position) => Promise.resolve(zip.copy(into, position, size)),
        close: () => Promise.resolve(),
      }),
    )
  }

  touch(module: string, version: string): void {
    this.occupancy.touch(module, version, this.services.world.wallClock())
  }

  pin(module: string, version: string, pinned: boolean): Promise<void> {
    const there = this.entry(module, version)
    if (there !== undefined) {
      const stays = pinned || this.pinned.matches(module)
      there.stored = { ...there.stored, pinned: stays }
      this.occupancy.pin(module, version, stays)
    }
    return Promise.resolve()
  }

  remove(module: string, version: string): Promise<void> {
    this.forget(module, version)
    this.occupancy.drop(module, version)
    return Promise.resolve()
  }

  versions(module: string): Promise<string[]> {
    return Promise.resolve([...(this.byModule.get(module)?.keys() ?? [])])
  }

  async *modules(): AsyncIterable<string> {
    yield* this.byModule.keys()
  }

  usage(): Promise<{ bytes: number; versions: number }> {
    return Promise.resolve({ bytes: this.occupancy.bytes, versions: this.occupancy.versions })
  }

  lastUsed(module: string, version: string): Promise<number> {
    return Promise.resolve(this.occupancy.usedMs(module, version) ?? 0)
  }

  close(): Promise<void> {
    this.byModule.clear()
    return Promise.resolve()
  }

  private entry(module: string, version: string): Entry | undefined {
    return this.byModule.get(module)?.get(version)
  }

  /** In one turn: what is there now, which may be more than there was before room was made, becomes what is kept. */
  private commit(version: StoredVersion, zip: MemoryStagedFile | null): void {
    const { module } = version
    const there = this.entry(module, version.version)
    if (there !== undefined) checkSame(there.stored, version)
    if (there !== undefined && (there.zip !== null || zip === null)) return
    const pinned = there?.stored.pinned === true || version.pinned || this.pinned.matches(module)
    const stored = { ...(there?.stored ?? version), zip: version.zip, pinned }
    const versions = this.byModule.get(module) ?? new Map<string, Entry>()
    this.byModule.set(module, versions.set(version.version, { stored, zip }))
    zip?.take()
    if (zip !== null) this.occupancy.release(zip.size)
    const bytes = stored.info.length + stored.mod.length + (zip?.size ?? 0)
    this.occupancy.add(module, version.version, bytes, this.services.world.wallClock(), pinned)
  }

  private forget(module: string, version: string): void {
    const versions = this.byModule.get(module)
    versions?.delete(version)
    if (versions?.size === 0) this.byModule.delete(module)
  }
}
