import { TurnpikeError } from '../../../core/error.ts'
import type { ModuleStore, StoredVersion } from './module-store.ts'

/** What may stay. */
export interface Bounds {
  /** Bytes that are kept at most; Infinity for no bound. */
  maxBytes: number
  /** Versions that were used since stay, ms since 1970; -Infinity for all. */
  usedSinceMs: number
}

/** A version that goes, or would go. */
export interface Garbage {
  module: string
  version: string
  bytes: number
  /** When it was last used, ms since 1970. */
  usedMs: number
}

/** What is beyond the bounds, used longest ago first. What is pinned is counted, and stays. */
export async function findGarbage(store: ModuleStore, { maxBytes, usedSinceMs }: Bounds): Promise<Garbage[]> {
  const loose: Garbage[] = []
  let kept = 0
  for await (const module of store.modules()) {
    for (const version of await store.versions(module)) {
      const stored = await readable(store, module, version)
      if (stored === null) continue
      const bytes = stored.info.length + stored.mod.length + (stored.zip?.size ?? 0)
      kept += bytes
      if (!stored.pinned) loose.push({ module, version, bytes, usedMs: await store.lastUsed(module, version) })
    }
  }
  const garbage: Garbage[] = []
  for (const each of loose.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (kept <= maxBytes && each.usedMs >= usedSinceMs) break
    garbage.push(each)
    kept -= each.bytes
  }
  return garbage
}

/** What is damaged is not garbage: it is for `verify` to tell of. */
async function readable(store: ModuleStore, module: string, version: string): Promise<StoredVersion | null> {
  try {
    return await store.get(module, version)
  } catch (error) {
    if (error instanceof TurnpikeError && error.code === 'ERR_MODULE_STORE') return null
    throw error
  }
}
