import { TurnpikeError } from './core/error.ts'
import type { GoproxyConfig, StoreConfig } from './doors/goproxy/config.ts'
import { findGarbage, type Bounds, type Garbage } from './doors/goproxy/store/find-garbage.ts'
import type { ModuleStore } from './doors/goproxy/store/module-store.ts'
import { openStore } from './doors/goproxy/store/open-store.ts'
import { verifyStore, type VerifiedVersion } from './doors/goproxy/store/verify-store.ts'
import { PooledHttpClient } from './engine/client/pooled-http-client.ts'
import { createEngine } from './engine/engine.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import { SharedStates } from './engine/shared-states.ts'
import { ModulePatterns } from './gomod/module-pattern.ts'

export type { Garbage, VerifiedVersion }

/** The store of a module proxy, for commands that look after it, beside the proxy that serves from it. */
export interface ModuleStoreTools extends AsyncDisposable {
  usage(): Promise<{ bytes: number; versions: number }>
  /** Reads all that is kept. */
  verify(): AsyncGenerator<VerifiedVersion>
  /** What is beyond the bounds, used longest ago first. */
  findGarbage(bounds: Bounds): Promise<Garbage[]>
  remove(module: string, version: string): Promise<void>
}

/**
 * Opens the store of a config as it is: nothing goes for lack of room or for age. What processes that ended left
 * half-done does. Rejects with a TurnpikeError.
 */
export async function openModuleStoreTools({
  store: config,
  pinned,
  limits,
}: GoproxyConfig): Promise<ModuleStoreTools> {
  const world = realWorld()
  const services = createEngine({ world, observer: { routed() {}, finished() {} }, pseudonym: 'turnpike' })
  const failures: unknown[] = []
  const onError = (error: unknown): void => void failures.push(error)
  const scope = new Scope({ world, ledger: services.ledger, states: new SharedStates(), onError })
  // Timers of a world keep no process alive, and to wait for a lock is nothing else.
  const alive = new MessageChannel()
  alive.port1.ref()
  const close = async (): Promise<void> => {
    await scope.close()
    alive.port1.close()
    if (failures.length > 0) throw TurnpikeError.from(failures[0], 'body')
  }
  try {
    const parts = {
      services,
      scope,
      http: new PooledHttpClient(services, '', scope),
      pinned: new ModulePatterns(pinned),
    }
    const store: ModuleStore = await openStore(withoutBounds(config), parts)
    return {
      usage: () => store.usage(),
      verify: () => verifyStore(store, limits),
      findGarbage: (bounds) => findGarbage(store, bounds),
      remove: (module, version) => store.remove(module, version),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function withoutBounds({ disk, s3, memory }: StoreConfig): StoreConfig {
  if (disk !== undefined) return { disk: { path: disk.path } }
  if (s3 === undefined) return { memory }
  const { maxSize: _, retention: __, ...unbounded } = s3
  return { s3: unbounded }
}
