import { createHash } from 'node:crypto'
import type { ModuleStore, StoredVersion } from '../../../src/doors/goproxy/store/module-store.ts'
import { staged } from '../../contracts/module-store.ts'
import type { ModuleFixture } from './module-fixtures.ts'

/** Commits a fixture with its zip, as the library would. */
export async function keepFixture(store: ModuleStore, fixture: ModuleFixture): Promise<StoredVersion> {
  const { module, version, info, mod, modH1, zip, h1 } = fixture
  const sha256 = createHash('sha256').update(zip).digest('hex')
  const stored: StoredVersion = {
    module,
    version,
    info,
    mod,
    modH1,
    zip: { size: zip.length, sha256, h1 },
    firstSeenMs: Date.now(),
    origin: 'direct',
    pinned: false,
  }
  const file = await staged(store, zip)
  try {
    await store.put(stored, file)
  } finally {
    await file.discard()
  }
  return stored
}
