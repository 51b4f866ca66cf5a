import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { StoreConfig } from '../../src/doors/goproxy/config.ts'
import type { ModuleStore } from '../../src/doors/goproxy/store/module-store.ts'
import { openStore } from '../../src/doors/goproxy/store/open-store.ts'
import { ModulePatterns } from '../../src/gomod/module-pattern.ts'
import { PooledHttpClient } from '../../src/engine/client/pooled-http-client.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { moduleStoreContract, type OpenedStore } from './module-store.ts'

moduleStoreContract({
  name: 'memory',
  open: async (t) => ({ store: await open(t, { memory: { maxSize: 2 ** 30 } }), again: null }),
})

moduleStoreContract({
  name: 'disk',
  open: async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'store-'))
    t.after(() => rm(path, { recursive: true }))
    return shared(t, { disk: { path } })
  },
})

async function shared(t: TestContext, config: StoreConfig): Promise<OpenedStore> {
  return { store: await open(t, config), again: () => open(t, config) }
}

function open(t: TestContext, config: StoreConfig): Promise<ModuleStore> {
  const { services, scope } = testScope(t)
  return openStore(config, {
    services,
    scope,
    http: new PooledHttpClient(services, 'test', scope),
    pinned: new ModulePatterns([]),
  })
}
