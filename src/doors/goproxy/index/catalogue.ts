import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import { checkModulePath } from '../../../gomod/module-path.ts'
import { sortVersions } from '../../../gomod/version.ts'
import type { ModuleStore } from '../store/module-store.ts'
import type { DownloadCounts, Downloads } from './download-counts.ts'

const DEFAULT_MODULES = 100
const MAX_MODULES = 1000
/** A page ends behind the module with which it has so many. */
const MAX_VERSIONS = 5000
/** How long the list of all modules is gone by: pages in a row walk the store once. */
const LIST_MS = 10_000
/** Versions that a store is asked for at once: each may be a request to another machine. */
const AT_A_TIME = 16

export interface CatalogueParts {
  store: Pick<ModuleStore, 'modules' | 'versions' | 'get' | 'lastUsed'>
  downloads: DownloadCounts
  world: Pick<World, 'now'>
}

interface CatalogueVersion {
  version: string
  /** Of the zip; 0 while only its `.info` and `.mod` are kept. */
  bytes: number
  /** Of the zip's contents; null while it is not kept. */
  h1: string | null
  /** A chain member's name, `direct`, or `published`. */
  origin: string
  pinned: boolean
  firstSeen: string
  lastUsed: string
  downloads: number
}

/** What is kept, for people and their scripts: `/catalog?after=MODULE&limit=N`, pages of modules in alphabetical order. */
export class Catalogue {
  private readonly parts: CatalogueParts
  private modules: { sorted: Promise<string[]>; untilMs: number } | null = null

  constructor(parts: CatalogueParts) {
    this.parts = parts
  }

  /**
   * `{ modules: [{ module, versions }], next }`, where `next` is the `after` of the next page, null at the end. Rejects
   * with ERR_MODULE_QUERY for parameters that it cannot read.
   */
  async serve(query: URLSearchParams, signal: AbortSignal): Promise<Buffer> {
    const after = readAfter(query.get('after'))
    const limit = readLimit(query.get('limit'))
    const sorted = await this.sortedModules()
    const modules: { module: string; versions: CatalogueVersion[] }[] = []
    let next: string | null = null
    let count = 0
    for (const module of sorted) {
      if (module <= after) continue
      if (modules.length >= limit || count >= MAX_VERSIONS) {
        next = modules.at(-1)!.module
        break
      }
      const versions = await this.versionsOf(module, signal)
      count += versions.length
      modules.push({ module, versions })
    }
    return Buffer.from(`${JSON.stringify({ modules, next })}\n`)
  }

  private sortedModules(): Promise<string[]> {
    const now = this.parts.world.now()
    if (this.modules === null || this.modules.untilMs <= now) {
      const sorted = sortedOf(this.parts.store.modules())
      const kept = { sorted, untilMs: now + LIST_MS }
      this.modules = kept
      // The next one asks again.
      sorted.catch(() => (kept.untilMs = 0))
    }
    return this.modules.sorted
  }

  private async versionsOf(module: string, signal: AbortSignal): Promise<CatalogueVersion[]> {
    const { store, downloads } = this.parts
    const counts = await downloads.of(module)
    const versions = sortVersions(await store.versions(module))
    const found: CatalogueVersion[] = []
    for (let at = 0; at < versions.length; at += AT_A_TIME) {
      signal.throwIfAborted()
      const some = versions.slice(at, at + AT_A_TIME)
      const described = await Promise.all(some.map((version) => this.describe(module, version, counts)))
      found.push(...described.filter((each) => each !== null))
    }
    return found
  }

  /** Null where it went meanwhile. */
  private async describe(module: string, version: string, counts: Downloads): Promise<CatalogueVersion | null> {
    const { store } = this.parts
    const [kept, lastUsedMs] = await Promise.all([store.get(module, version), store.lastUsed(module, version)])
    if (kept === null) return null
    const { zip, origin, pinned, firstSeenMs } = kept
    return {
      version,
      bytes: zip?.size ?? 0,
      h1: zip?.h1 ?? null,
      origin,
      pinned,
      firstSeen: new Date(firstSeenMs).toISOString(),
      lastUsed: new Date(lastUsedMs).toISOString(),
      downloads: counts.get(version) ?? 0,
    }
  }
}

async function sortedOf(modules: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const module of modules) all.push(module)
  return all.toSorted()
}

function readAfter(text: string | null): string {
  if (text === null || text === '') return ''
  if (checkModulePath(text) === null) return text
  throw new TurnpikeError('ERR_MODULE_QUERY', { message: 'after is no module path.' })
}

function readLimit(text: string | null): number {
  if (text === null || text === '') return DEFAULT_MODULES
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit > 0) return Math.min(limit, MAX_MODULES)
  throw new TurnpikeError('ERR_MODULE_QUERY', { message: 'limit is no number from 1 up.' })
}
