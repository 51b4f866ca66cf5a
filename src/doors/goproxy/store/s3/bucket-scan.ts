import type { ModulePatterns } from '../../../../gomod/module-pattern.ts'
import type { Occupancy } from '../occupancy.ts'
import type { Bucket } from './bucket.ts'
import { PINS, splitKey, VERSIONS, ZIPS } from './keys.ts'

/** A zip is put before its version: one without may be on its way for so long. */
const STRAY_MS = 24 * 3_600_000

interface Found {
  module: string
  version: string
  bytes: number
  modifiedMs: number
}

/** Finds out what a bucket holds, and what other replicas did to it since. */
export class BucketScan {
  private readonly bucket: Bucket
  private readonly occupancy: Occupancy
  private readonly pinned: ModulePatterns
  private known = new Map<string, Found>()
  /** What this process itself changed while a scan went on is known better. */
  private readonly changed = new Set<string>()

  constructor(bucket: Bucket, occupancy: Occupancy, pinned: ModulePatterns) {
    this.bucket = bucket
    this.occupancy = occupancy
    this.pinned = pinned
  }

  /** `usedMs`: what is known of when a version was last used beyond when it was put. Resolves with zips of no version. */
  async run(nowMs: number, usedMs: ReadonlyMap<string, number>): Promise<string[]> {
    this.changed.clear()
    const found = new Map<string, Found>()
    for await (const { key, size, modifiedMs } of this.bucket.list(VERSIONS)) {
      const of = splitKey(VERSIONS, key)
      if (of !== null) found.set(nameOf(of), { ...of, bytes: size, modifiedMs })
    }
    const stray: string[] = []
    for await (const { key, size, modifiedMs } of this.bucket.list(ZIPS)) {
      const of = splitKey(ZIPS, key)
      const version = of === null ? undefined : found.get(nameOf(of))
      if (version !== undefined) version.bytes += size
      else if (modifiedMs < nowMs - STRAY_MS) stray.push(key)
    }
    const pins = new Set<string>()
    for await (const { key } of this.bucket.list(PINS)) {
      const of = splitKey(PINS, key)
      if (of !== null) pins.add(nameOf(of))
    }
    this.note(found, pins, usedMs)
    return stray
  }

  /** This process committed it. */
  added(module: string, version: string, bytes: number, nowMs: number, pinned: boolean): void {
    const name = nameOf({ module, version })
    this.changed.add(name)
    this.known.set(name, { module, version, bytes, modifiedMs: nowMs })
    this.occupancy.add(module, version, bytes, nowMs, pinned || this.pinned.matches(module))
  }

  removed(module: string, version: string): void {
    const name = nameOf({ module, version })
    this.changed.add(name)
    this.known.delete(name)
    this.occupancy.drop(module, version)
  }

  private note(found: Map<string, Found>, pins: ReadonlySet<string>, usedMs: ReadonlyMap<string, number>): void {
    for (const [name, { module, version }] of this.known) {
      if (!found.has(name) && !this.changed.has(name)) this.removed(module, version)
    }
    const used = (name: string, { module, version, modifiedMs }: Found): number =>
      Math.max(modifiedMs, usedMs.get(name) ?? 0, this.occupancy.usedMs(module, version) ?? 0)
    const inOrder = [...found].map(([name, each]) => ({ name, each, usedMs: used(name, each) }))
    for (const { name, each, usedMs: ms } of inOrder.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (this.changed.has(name)) continue
      const pinned = pins.has(name) || this.pinned.matches(each.module)
      this.occupancy.add(each.module, each.version, each.bytes, ms, pinned)
      this.known.set(name, each)
    }
  }
}

/** As `last-used` documents name versions too. */
export const nameOf = ({ module, version }: { module: string; version: string }): string => `${module}@${version}`
