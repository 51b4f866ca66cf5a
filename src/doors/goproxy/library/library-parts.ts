import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { CheckedZip } from '../../../gomod/zip/check-zip.ts'
import type { ZipLimits } from '../../../gomod/zip/zip-limits.ts'
import type { GoproxyConfig } from '../config.ts'
import type { Coordination } from '../coordination/coordination.ts'
import type { ModuleOrigin } from '../origin/module-origin.ts'
import type { ModuleStore } from '../store/module-store.ts'
import type { StagedFile } from '../store/staged-file.ts'
import type { ModuleTrust } from '../trust/module-trust.ts'

/** Reads a zip that was staged and says whether it is the module's (G21): ERR_MODULE_ZIP or ERR_MODULE_TOO_LARGE where not. */
export interface ZipChecking {
  check(file: StagedFile, module: string, version: string, limits: ZipLimits): Promise<CheckedZip>
}

/** Who may have what. */
export interface LibraryPolicy {
  isPrivate(module: string): boolean
  /** Throws 403 where the module, or this version of it, is denied. */
  checkDenied(module: string, version: string | null): void
  /** Whether what was first seen then, in ms since 1970, is too young. */
  isYoung(module: string, firstSeenMs: number): boolean
  /** Throws 403 where it was first seen too short a time ago. `firstSeenMs` is in ms since 1970. */
  checkAge(module: string, version: string, firstSeenMs: number): void
}

/** The log that private modules can be verified by. */
export interface VersionLog {
  add(module: string, version: string, zipH1: string, modH1: string): Promise<void>
}

/** Knows since when the checksum database has a version. */
export interface DatabaseAges {
  /** In ms since 1970; Infinity where that is not known. */
  firstSeen(module: string, version: string, signal: AbortSignal): Promise<number>
}

/** What a library is built of. */
export interface LibraryParts {
  config: Pick<GoproxyConfig, 'freshness' | 'limits' | 'offline' | 'cooldown'>
  services: Pick<EngineServices, 'world' | 'ledger' | 'notify'>
  scope: Scope
  origin: ModuleOrigin
  store: ModuleStore
  /** Null: nothing is verified. */
  trust: ModuleTrust | null
  /** Null: none can say. */
  ages: DatabaseAges | null
  checker: ZipChecking
  policy: LibraryPolicy
  /** Null: there is none. */
  log: VersionLog | null
  coordination: Coordination
}
