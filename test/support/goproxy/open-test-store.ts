import type { TestContext } from 'node:test'
import type { StoreConfig } from '../../../src/doors/goproxy/config.ts'
import type { ModuleStore } from '../../../src/doors/goproxy/store/module-store.ts'
import { openStore } from '../../../src/doors/goproxy/store/open-store.ts'
import { PooledHttpClient } from '../../../src/engine/client/pooled-http-client.ts'
import { ModulePatterns } from '../../../src/gomod/module-pattern.ts'
import { testScope, type TestScope } from './test-scope.ts'

/** A store with an engine of its own: to the place that the config names it is another process. It ends with the test. */
export function openTestStore(
  t: TestContext,
  config: StoreConfig,
  pinned: string[] = [],
  { services, scope }: TestScope = testScope(t),
): Promise<ModuleStore> {
  const http = new PooledHttpClient(services, '', scope)
  return openStore(config, { services, scope, http, pinned: new ModulePatterns(pinned) })
}
