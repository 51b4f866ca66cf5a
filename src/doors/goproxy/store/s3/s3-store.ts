import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpClient } from '../../../../engine/client/http-client.ts'
import type { Scope } from '../../../../engine/scope.ts'
import type { EngineServices } from '../../../../engine/services.ts'
import type { ModulePatterns } from '../../../../gomod/module-pattern.ts'
import type { StoreConfig } from '../../config.ts'
import { checkSame } from '../check-same.ts'
import { DiskStagedFile } from '../disk/disk-staged-file.ts'
import { DiskStaging } from '../disk/disk-staging.ts'
import type { ModuleStore, StoredVersion, ZipFile } from '../module-store.ts'
import { Occupancy } from '../occupancy.ts'
import { OpenZip } from '../open-zip.ts'
import { Rescans } from '../rescans.ts'
import type { StagedFile } from '../staged-file.ts'
import { damaged, storeError } from '../store-error.ts'
import { Bucket, uploadOf, type Upload } from './bucket.ts'
import { BucketScan, nameOf } from './bucket-scan.ts'
import { modulePrefix, PINS, splitKey, versionKey, VERSIONS, zipKey, ZIPS } from './keys.ts'
import { LastUsed } from './last-used.ts'
import { Leases } from './leases.ts'
import { S3Documents } from './s3-documents.ts'
import { S3Zip } from './s3-zip.ts'
import { readVersionObject, writeVersionObject, type BucketVersion } from './version-object.ts'

const RESCAN_MS = 600_000
const TOUCHES_MS = 60_000
/** How old an answer about what the bucket holds may be, where nothing has to be kept small. */
const USAGE_MS = 60_000
const PIECE_BYTES = 262_144
/** Tries to commit while others change the same version. */
const MAX_ROUNDS = 5

export interface S3StoreParts {
  services: EngineServices
  scope: Scope
  http: HttpClient
  pinned: ModulePatterns
}

/** Versions in a bucket, which many machines may use. */
export class S3Store implements ModuleStore {
  readonly documents: S3Documents
  private readonly services: EngineServices
  private readonly scope: Scope
  private readonly pinned: ModulePatterns
  private readonly bounded: boolean
  private readonly bucket: Bucket
  private readonly folder: string
  private readonly staging: DiskStaging
  private readonly occupancy: Occupancy
  private readonly scan: BucketScan
  private readonly lastUse: LastUsed
  private readonly rescans: Rescans

  private constructor(config: NonNullable<StoreConfig['s3']>, folder: string, parts: S3StoreParts) {
    const { services, scope, pinned, http } = parts
    this.services = services
    this.scope = scope
    this.pinned = pinned
    this.folder = folder
    this.rescans = new Rescans(scope, services.world, () => this.rescan())
    this.bounded = config.maxSize !== undefined || config.retention !== undefined
    this.bucket = new Bucket(config, http, scope, services.notify)
    this.documents = new S3Documents(this.bucket, new Leases(this.bucket, services, scope))
    this.lastUse = new LastUsed(this.documents)
    this.occupancy = new Occupancy({
      maxBytes: config.maxSize ?? Infinity,
      retentionMs: config.retention ?? Infinity,
      evict: async (module, version) => {
        await this.remove(module, version)
        return null
      },
    })
    // The local disk holds what is on its way; the bucket's bounds are not its own.
    const onItsWay = new Occupancy({ maxBytes: Infinity, retentionMs: Infinity, evict: () => Promise.resolve(null) })
    this.staging = new DiskStaging(folder, services.ledger, onItsWay)
    this.scan = new BucketScan(this.bucket, this.occupancy, pinned)
  }

  /** Looks whether the bucket answers. */
  static async open(config: NonNullable<StoreConfig['s3']>, parts: S3StoreParts): Promise<S3Store> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-staging-')).catch((error: unknown) => {
      throw storeError('has no folder for what is on its way', error)
    })
    const store = new S3Store(config, folder, parts)
    try {
      await store.bucket.check()
    } catch (error) {
      await rm(folder, { recursive: true })
      throw error
    }
    if (store.bounded) store.keepBounded()
    return store
  }

  create(): Promise<StagedFile> {
    return this.staging.create()
  }

  async get(module: string, version: string): Promise<StoredVersion | null> {
    const there = await this.find(module, version)
    if (there === null) return null
    return this.pinned.matches(module) ? { ...there.stored, pinned: true } : there.stored
  }

  async put(version: StoredVersion, zip: StagedFile | null): Promise<void> {
    if (zip !== null && !(zip instanceof DiskStagedFile)) throw new RangeError('The zip was staged elsewhere.')
    if (this.bounded) await this.rescans.seen()
    const bytes = version.info.length + version.mod.length + (zip?.size ?? 0)
    await this.occupancy.reserve(bytes)
    try {
      await this.commit(version, zip)
    } finally {
      this.occupancy.release(bytes)
    }
  }

  async openZip({ module, version }: StoredVersion): Promise<ZipFile> {
    const there = await this.find(module, version)
    const zip = there?.stored.zip ?? null
    if (there === null || zip === null) throw storeError(`has no zip of ${module}@${version} any more`)
    const key = zipKey(module, version, zip.sha256)
    const { ledger } = this.services
    return new OpenZip(
      ledger,
      new S3Zip({
        zip,
        from: (position) => this.bucket.read(key, there.zipEtag, position),
        damaged: () => damaged(module, version, 'its zip was changed'),
      }),
    )
  }

  touch(module: string, version: string): void {
    const nowMs = this.services.world.wallClock()
    this.occupancy.touch(module, version, nowMs)
    if (this.bounded) this.lastUse.touch(nameOf({ module, version }), nowMs)
  }

  async pin(module: string, version: string, pinned: boolean): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const there = await this.find(module, version)
      if (there === null) return
      await this.mark(module, version, pinned)
      const changed = { ...there, stored: { ...there.stored, pinned } }
      if (await this.putVersion(changed, there.etag)) {
        return this.occupancy.pin(module, version, pinned || this.pinned.matches(module))
      }
    }
    throw storeError(`cannot pin ${module}@${version}: others change it all the time`)
  }

  async remove(module: string, version: string): Promise<void> {
    await this.bucket.remove(versionKey(VERSIONS, module, version))
    for await (const { key } of this.bucket.list(`${versionKey(ZIPS, module, version)}/`)) await this.bucket.remove(key)
    await this.mark(module, version, false)
    this.scan.removed(module, version)
    this.lastUse.forget(nameOf({ module, version }))
  }

  async versions(module: string): Promise<string[]> {
    const versions: string[] = []
    for await (const { key } of this.bucket.list(modulePrefix(VERSIONS, module))) {
      const of = splitKey(VERSIONS, key)
      if (of?.module === module) versions.push(of.version)
    }
    return versions
  }

  async *modules(): AsyncIterable<string> {
    let last = ''
    // Sorted: the versions of one module are side by side.
    for await (const { key } of this.bucket.list(VERSIONS)) {
      const module = splitKey(VERSIONS, key)?.module ?? last
      if (module !== last) yield module
      last = module
    }
  }

  async usage(): Promise<{ bytes: number; versions: number }> {
    await this.rescans.seen(USAGE_MS)
    return { bytes: this.occupancy.bytes, versions: this.occupancy.versions }
  }

  async lastUsed(module: string, version: string): Promise<number> {
    const known = this.occupancy.usedMs(module, version)
    return known ?? (await this.bucket.get(versionKey(VERSIONS, module, version)))?.modifiedMs ?? 0
  }

  async close(): Promise<void> {
    try {
      await this.lastUse.write()
    } finally {
      await rm(this.folder, { recursive: true, force: true })
    }
  }

  private keepBounded(): void {
    void this.rescans.run()
    this.scope.every(RESCAN_MS, () => void this.rescans.run())
    this.scope.every(TOUCHES_MS, () => this.scope.task(() => this.lastUse.write()))
  }

  private async rescan(): Promise<void> {
    const { world } = this.services
    const nowMs = world.wallClock()
    await this.lastUse.write()
    const stray = await this.scan.run(nowMs, await this.lastUse.read(nowMs))
    for (const key of stray) await this.bucket.remove(key)
    await this.occupancy.expire(nowMs)
  }

  private async find(module: string, version: string): Promise<(BucketVersion & { etag: string }) | null> {
    const object = await this.bucket.get(versionKey(VERSIONS, module, version))
    return object === null ? null : { ...readVersionObject(object.bytes, module, version), etag: object.etag }
  }

  /** The version's object is put last, and only where it is as it was found: of two at once, one begins anew. */
  private async commit(version: StoredVersion, zip: DiskStagedFile | null): Promise<void> {
    const { module, version: name } = version
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const there = await this.find(module, name)
      if (there !== null) {
        checkSame(there.stored, version)
        if (zip === null || there.stored.zip !== null) return
      }
      if (version.pinned) await this.mark(module, name, true)
      const zipEtag = zip === null ? '' : await this.putZip(version, zip)
      const stored =
        there === null ? version : { ...there.stored, zip: version.zip, pinned: there.stored.pinned || version.pinned }
      if (await this.putVersion({ stored, zipEtag }, there?.etag ?? null)) return
      const winner = (await this.find(module, name))?.stored.zip ?? null
      if (zip !== null && winner !== null && winner.sha256 !== version.zip!.sha256) {
        await this.bucket.remove(zipKey(module, name, version.zip!.sha256))
      }
    }
    throw storeError(`cannot keep ${module}@${name}: others change it all the time`)
  }

  /** False where it is not as it was found any more. */
  private async putVersion(version: BucketVersion, etag: string | null): Promise<boolean> {
    const { module, version: name, zip, pinned } = version.stored
    const bytes = writeVersionObject(version)
    const condition = etag === null ? 'absent' : { etag }
    if ((await this.bucket.put(versionKey(VERSIONS, module, name), uploadOf(bytes), condition)) === null) return false
    const size = bytes.length + (zip?.size ?? 0)
    this.scan.added(module, name, size, this.services.world.wallClock(), pinned)
    return true
  }

  private async putZip({ module, version, zip }: StoredVersion, staged: DiskStagedFile): Promise<string> {
    const upload: Upload = {
      sha256: staged.sha256(),
      body: () => ({ length: staged.size, pieces: piecesOf(staged) }),
    }
    return (await this.bucket.put(zipKey(module, version, zip!.sha256), upload))!
  }

  private async mark(module: string, version: string, pinned: boolean): Promise<void> {
    const key = versionKey(PINS, module, version)
    if (pinned) await this.bucket.put(key, uploadOf(Buffer.alloc(0)))
    else await this.bucket.remove(key)
  }
}

async function* piecesOf(staged: DiskStagedFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < staged.size;) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    const length = await staged.peek(piece, at)
    if (length === 0) return
    yield piece.subarray(0, length)
    at += length
  }
}
