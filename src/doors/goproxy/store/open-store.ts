import type { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { HttpClient } from '../../../engine/client/http-client.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { StoreConfig } from '../config.ts'
import { DiskStore } from './disk/disk-store.ts'
import { MemoryStore } from './memory-store.ts'
import type { ModuleStore } from './module-store.ts'

/** What a store is opened with. */
export interface StoreParts {
  services: EngineServices
  /** Timers and locks of the store end with it. */
  scope: Scope
  /** How a bucket is spoken to. */
  http: HttpClient
  /** Modules that never go for lack of room. */
  pinned: ModulePatterns
}

/** Opens the place that the config names. Rejects with ERR_MODULE_STORE where it cannot be used. */
export async function openStore(config: StoreConfig, parts: StoreParts): Promise<ModuleStore> {
  const store = await open(config, parts)
  parts.scope.use({ [Symbol.asyncDispose]: () => store.close() })
  return store
}

async function open(config: StoreConfig, parts: StoreParts): Promise<ModuleStore> {
  if (config.disk !== undefined) return DiskStore.open(config.disk, parts)
  if (config.memory !== undefined) return new MemoryStore(config.memory, parts)
  // Signing is loaded where a bucket is used, and nowhere else.
  const { S3Store } = await import('./s3/s3-store.ts')
  return S3Store.open(config.s3!, parts)
}
