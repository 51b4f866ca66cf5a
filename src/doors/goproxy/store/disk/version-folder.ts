import { createHash } from 'node:crypto'
import { access, readFile, stat } from 'node:fs/promises'
import { checkSame } from '../check-same.ts'
import { readManifest, writeManifest, type Manifest } from '../manifest.ts'
import type { StoredVersion } from '../module-store.ts'
import { damaged } from '../store-error.ts'
import type { DiskStagedFile } from './disk-staged-file.ts'
import type { DiskStaging } from './disk-staging.ts'
import { ifThere, makeFolder, placeFile, syncFolder, unlinkIfThere } from './durable.ts'
import { MANIFEST, versionFiles, type StoreFolder, type VersionFile } from './store-folder.ts'

/** What a version takes on disk. */
export interface Measured {
  bytes: number
  /** Time of change of the manifest, ms since 1970: when it was last used. */
  usedMs: number
  pinned: boolean
}

/** The files of versions. Changes of one version are the caller's to keep apart. */
export class VersionFolder {
  private readonly folder: StoreFolder
  private readonly staging: DiskStaging

  constructor(folder: StoreFolder, staging: DiskStaging) {
    this.folder = folder
    this.staging = staging
  }

  file(module: string, version: string, file: VersionFile): string {
    return this.folder.file(module, version, file)
  }

  async manifest(module: string, version: string): Promise<Manifest | null> {
    const text = await ifThere(readFile(this.file(module, version, MANIFEST)))
    return text === null ? null : readManifest(text, module, version)
  }

  /** Rejects with ERR_MODULE_STORE where `.info` or `.mod` are not those that were committed. */
  async read(module: string, version: string): Promise<StoredVersion | null> {
    const manifest = await this.manifest(module, version)
    if (manifest === null) return null
    const [info, mod, pinned] = await Promise.all([
      ifThere(readFile(this.file(module, version, 'info'))),
      ifThere(readFile(this.file(module, version, 'mod'))),
      this.isPinned(module, version),
    ])
    // It may have been removed since its manifest was read.
    if ((info === null || mod === null) && (await this.manifest(module, version)) === null) return null
    if (info === null || sha256(info) !== manifest.info.sha256) throw damaged(module, version, 'its .info was changed')
    if (mod === null || sha256(mod) !== manifest.mod.sha256) throw damaged(module, version, 'its .mod was changed')
    const { zip, origin } = manifest
    return {
      module,
      version,
      info,
      mod,
      zip,
      modH1: manifest.mod.h1,
      firstSeenMs: Date.parse(manifest.firstSeen),
      origin,
      pinned,
    }
  }

  /**
   * Commits a version, or its zip: each file is on disk and in its place before the manifest comes, so that whenever the
   * process ends there is all of it or none. `held` ends it before the manifest where the caller's lock was lost.
   */
  async commit(version: StoredVersion, zip: DiskStagedFile | null, held: AbortSignal): Promise<void> {
    const { module, version: name } = version
    const there = await this.manifest(module, name)
    if (there !== null) {
      checkSame({ modH1: there.mod.h1, zip: there.zip }, version)
      if (zip === null || (await this.hasZip(there))) return
    }
    const folder = this.folder.versions(module)
    await makeFolder(folder)
    try {
      if (there === null) {
        await Promise.all([this.place(version, 'info', version.info), this.place(version, 'mod', version.mod)])
      }
      if (version.pinned) await this.place(version, 'pinned', Buffer.alloc(0))
      if (zip !== null) {
        await zip.take(this.file(module, name, 'zip'))
        await this.place(version, 'ziphash', Buffer.from(version.zip!.h1))
      }
      await syncFolder(folder)
      held.throwIfAborted()
      const manifest = there === null ? manifestOf(version) : { ...there, zip: version.zip }
      await this.place(version, MANIFEST, writeManifest(manifest))
      await syncFolder(folder)
    } catch (error) {
      if (!held.aborted) await this.undo(version, there)
      throw error
    }
  }

  /** The manifest first: without it nothing of the rest is there. */
  async remove(module: string, version: string): Promise<void> {
    if (await unlinkIfThere(this.file(module, version, MANIFEST))) await syncFolder(this.folder.versions(module))
    for (const file of versionFiles) await unlinkIfThere(this.file(module, version, file))
  }

  async pin(module: string, version: string, pinned: boolean): Promise<void> {
    const file = this.file(module, version, 'pinned')
    if ((await ifThere(stat(this.file(module, version, MANIFEST)))) === null) return
    if (pinned) await placeFile(file, Buffer.alloc(0), this.staging.temporary())
    else await unlinkIfThere(file)
    await syncFolder(this.folder.versions(module))
  }

  /** Null where it is not there. */
  async measure(module: string, version: string): Promise<Measured | null> {
    const stats = await Promise.all(versionFiles.map((file) => ifThere(stat(this.file(module, version, file)))))
    const [manifest, pin] = stats
    if (manifest === null || manifest === undefined) return null
    const bytes = stats.reduce((sum, each) => sum + (each?.size ?? 0), 0)
    return { bytes, usedMs: manifest.mtimeMs, pinned: pin !== null }
  }

  /** Where the disk is full this gives back what the half of a commit took. */
  private async undo({ module, version }: StoredVersion, there: Manifest | null): Promise<void> {
    if (there === null) return this.remove(module, version)
    if (there.zip !== null) return
    await unlinkIfThere(this.file(module, version, 'zip'))
    await unlinkIfThere(this.file(module, version, 'ziphash'))
  }

  private async hasZip({ module, version, zip }: Manifest): Promise<boolean> {
    return zip !== null && (await ifThere(stat(this.file(module, version, 'zip'))))?.size === zip.size
  }

  private async isPinned(module: string, version: string): Promise<boolean> {
    return (await ifThere(access(this.file(module, version, 'pinned')).then(() => true))) ?? false
  }

  private place({ module, version }: StoredVersion, file: VersionFile, bytes: Buffer): Promise<void> {
    return placeFile(this.file(module, version, file), bytes, this.staging.temporary())
  }
}

function manifestOf(version: StoredVersion): Manifest {
  const { module, info, mod, modH1, zip, origin } = version
  return {
    format: 1,
    module,
    version: version.version,
    info: { size: info.length, sha256: sha256(info) },
    mod: { size: mod.length, sha256: sha256(mod), h1: modH1 },
    zip,
    firstSeen: new Date(version.firstSeenMs).toISOString(),
    origin,
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
