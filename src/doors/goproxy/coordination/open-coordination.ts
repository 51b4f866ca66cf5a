import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { GoproxyConfig } from '../config.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { Coordination } from './coordination.ts'
import { StoreCoordination } from './store-coordination.ts'

/** What the config names, else the locks of the store. What speaks to Redis is loaded only where that is configured. */
export async function openCoordination(
  config: GoproxyConfig['coordination'],
  documents: DocumentStore,
  { services, scope }: { services: EngineServices; scope: Scope },
): Promise<Coordination> {
  if (config === undefined) return new StoreCoordination(documents)
  const { RedisCoordination } = await import('./redis-coordination.ts')
  return new RedisCoordination(config.redis, services, scope)
}
