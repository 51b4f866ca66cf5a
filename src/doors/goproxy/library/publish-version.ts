import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import { syntheticGoMod } from '../../../gomod/go-mod-file.ts'
import { goModH1 } from '../../../gomod/hash1.ts'
import type { CheckedZip } from '../../../gomod/zip/check-zip.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import type { ModuleStore, StoredVersion } from '../store/module-store.ts'
import type { StagedFile } from '../store/staged-file.ts'
import { saysCode } from './says.ts'
import type { ZipChecking } from './library-parts.ts'

export interface PublishParts {
  world: World
  store: ModuleStore
  checker: ZipChecking
  limits: ZipLimits
}

/** A version that somebody hands in. */
export interface Submission {
  module: string
  version: string
  /** Its `.info`. */
  info: Buffer
  /** All of it written. Whoever made it discards it. */
  zip: StagedFile
}

/** Checks and keeps a version. Null where the very same is there already; ERR_MODULE_CONFLICT where another is. */
export async function publishVersion(
  { world, store, checker, limits }: PublishParts,
  { module, version, info, zip }: Submission,
): Promise<StoredVersion | null> {
  const { h1, mod } = await checked(checker.check(zip, module, version, limits))
  const kept = await store.get(module, version)
  if (kept?.zip?.h1 === h1) return null
  const goMod = mod ?? Buffer.from(syntheticGoMod(module))
  const published: StoredVersion = {
    module,
    version,
    info: kept?.info ?? info,
    mod: goMod,
    zip: { size: zip.size, sha256: zip.sha256(), h1 },
    modH1: goModH1(goMod),
    firstSeenMs: kept?.firstSeenMs ?? world.wallClock(),
    origin: 'published',
    // It may be nowhere else.
    pinned: true,
  }
  // Whether it contradicts what is there, the store says: somebody may commit at this very moment.
  await store.put(published, zip)
  return published
}

async function checked(check: Promise<CheckedZip>): Promise<CheckedZip> {
  try {
    return await check
  } catch (error) {
    // What an upstream would be blamed for is the client's fault here.
    if (!saysCode(error, 'ERR_MODULE_ZIP') && !saysCode(error, 'ERR_MODULE_TOO_LARGE')) throw error
    throw new TurnpikeError('ERR_MODULE_INVALID', { message: error.message, cause: error })
  }
}
