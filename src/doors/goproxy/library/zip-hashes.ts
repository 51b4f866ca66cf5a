import { Trail } from '../origin/trail.ts'
import type { ModuleStore, StoredVersion } from '../store/module-store.ts'
import type { ModuleLibrary } from './module-library.ts'

/** The `h1:` of a version's contents and of its go.mod; its zip is fetched where it is not kept. Null where it cannot be kept. */
export async function zipHashes(
  { library, store }: { library: ModuleLibrary; store: ModuleStore },
  module: string,
  version: string,
  signal: AbortSignal,
): Promise<{ zipH1: string; modH1: string } | null> {
  const known = hashesOf(await store.get(module, version))
  if (known !== null) return known
  const zip = await library.zip(module, version, { signal, trail: new Trail(), fetch: true })
  try {
    await zip.whole
  } finally {
    await zip.close()
  }
  return hashesOf(await store.get(module, version))
}

function hashesOf(kept: StoredVersion | null): { zipH1: string; modH1: string } | null {
  if (kept === null || kept.zip === null) return null
  return { zipH1: kept.zip.h1, modH1: kept.modH1 }
}
