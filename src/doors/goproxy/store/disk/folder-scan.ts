import { readdir, stat } from 'node:fs/promises'
import type { ModulePatterns } from '../../../../gomod/module-pattern.ts'
import type { Occupancy } from '../occupancy.ts'
import { ifThere } from './durable.ts'
import { MANIFEST, splitFileName, type StoreFolder } from './store-folder.ts'
import type { Measured, VersionFolder } from './version-folder.ts'

/** A folder that was changed so short a time ago may be changed again without another time of change. */
const SETTLED_MS = 2_000
const MAX_ROUNDS = 3

interface Found extends Measured {
  module: string
  version: string
}

/** Finds out what a folder holds, and what other processes did to it since. Only folders that were changed are read again. */
export class FolderScan {
  private readonly folder: StoreFolder
  private readonly files: VersionFolder
  private readonly occupancy: Occupancy
  private readonly pinned: ModulePatterns
  /** Time of change of each module's folder as it was read. */
  private readonly readAs = new Map<string, number>()
  private readonly known = new Map<string, Set<string>>()
  /** Modules that this process itself changed while a scan went on. */
  private readonly changed = new Set<string>()

  constructor(folder: StoreFolder, files: VersionFolder, occupancy: Occupancy, pinned: ModulePatterns) {
    this.folder = folder
    this.files = files
    this.occupancy = occupancy
    this.pinned = pinned
  }

  /** Resolves with what belongs to no committed version: somebody ended in the middle, or is at it. */
  async run(nowMs: number, signal: AbortSignal): Promise<{ module: string; version: string }[]> {
    const stray: { module: string; version: string }[] = []
    for (let round = 0; round < MAX_ROUNDS && (round === 0 || this.changed.size > 0); round++) {
      this.changed.clear()
      const found: Found[] = []
      for await (const module of this.folder.modules()) {
        signal.throwIfAborted()
        await this.readModule(module, nowMs, found, stray)
      }
      this.note(found)
    }
    return stray
  }

  /** This process committed it. */
  async added(module: string, version: string): Promise<void> {
    const measured = await this.files.measure(module, version)
    this.changed.add(module)
    if (measured !== null) this.note([{ module, version, ...measured }], true)
  }

  removed(module: string, version: string): void {
    this.changed.add(module)
    this.known.get(module)?.delete(version)
    this.occupancy.drop(module, version)
  }

  private async readModule(
    module: string,
    nowMs: number,
    found: Found[],
    stray: { module: string; version: string }[],
  ): Promise<void> {
    const path = this.folder.versions(module)
    const changedMs = (await ifThere(stat(path)))?.mtimeMs ?? 0
    if (this.readAs.get(module) === changedMs) return
    if (changedMs < nowMs - SETTLED_MS) this.readAs.set(module, changedMs)
    const files = ((await ifThere(readdir(path))) ?? [])
      .map((name) => splitFileName(name))
      .filter((each) => each !== null)
    const committed = new Set(files.filter(({ file }) => file === MANIFEST).map(({ version }) => version))
    for (const version of new Set(files.map((each) => each.version))) {
      if (!committed.has(version)) stray.push({ module, version })
    }
    for (const version of committed) {
      const measured = await this.files.measure(module, version)
      if (measured !== null) found.push({ module, version, ...measured })
    }
    for (const version of this.known.get(module) ?? []) {
      if (!committed.has(version) && !this.changed.has(module)) this.removedByOthers(module, version)
    }
  }

  private note(found: Found[], own = false): void {
    for (const { module, version, bytes, usedMs, pinned } of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
      // What this process did meanwhile is known better, and the module is read once more.
      if (!own && this.changed.has(module)) {
        this.readAs.delete(module)
        continue
      }
      const used = Math.max(usedMs, this.occupancy.usedMs(module, version) ?? 0)
      this.occupancy.add(module, version, bytes, used, pinned || this.pinned.matches(module))
      const versions = this.known.get(module) ?? new Set()
      this.known.set(module, versions.add(version))
    }
  }

  private removedByOthers(module: string, version: string): void {
    this.known.get(module)?.delete(version)
    this.occupancy.drop(module, version)
  }
}
