import { resolve } from 'node:path'
import { PooledHttpClient } from '../../engine/client/pooled-http-client.ts'
import type { Parents } from '../../engine/dial/parents.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import { ModulePatterns } from '../../gomod/module-pattern.ts'
import { PublicAddresses } from '../../policy/public-addresses.ts'
import type { GoproxyConfig } from './config.ts'
import { openCoordination } from './coordination/open-coordination.ts'
import { Direct } from './direct/direct.ts'
import { Catalogue } from './index/catalogue.ts'
import { DownloadCounts } from './index/download-counts.ts'
import { IndexFeed } from './index/index-feed.ts'
import { ModuleLibrary } from './library/module-library.ts'
import { zipHashes } from './library/zip-hashes.ts'
import { Chain } from './origin/chain.ts'
import { ModulePolicy } from './policy/module-policy.ts'
import { Publishing } from './publish/publishing.ts'
import type { ModuleStore } from './store/module-store.ts'
import { openStore } from './store/open-store.ts'
import { ChecksumDatabases } from './trust/checksum-databases.ts'
import { FirstSeenTrust } from './trust/first-seen-trust.ts'
import { OwnSumdb } from './trust/own-sumdb.ts'
import { SumdbMirror } from './trust/sumdb-mirror.ts'
import { ZipChecker } from './zip/zip-checker.ts'

/** What a module proxy consists of, behind its door. */
export interface ModuleServices {
  library: ModuleLibrary
  store: ModuleStore
  chain: Chain
  policy: ModulePolicy
  databases: ChecksumDatabases
  publishing: Publishing
  index: IndexFeed
  catalogue: Catalogue
  downloads: DownloadCounts
  /** Its own checksum database, null for none. */
  ownSumdb: OwnSumdb | null
}

/** Builds it from a config; all of it ends with the scope. Rejects where the store cannot be used, or a key is none. */
export async function openModuleServices(
  config: GoproxyConfig,
  { services, scope, parents }: { services: EngineServices; scope: Scope; parents: Parents },
): Promise<ModuleServices> {
  const { world, ledger } = services
  const via = services.viaLine === '' ? '' : services.pseudonym
  const route = parents.route(config.parent)
  const http = new PooledHttpClient(services, via, scope, route)
  const policy = new ModulePolicy(config, world)
  const store = await openStore(config.store, {
    services,
    scope,
    // A bucket is the network's own.
    http: new PooledHttpClient(services, via, scope),
    pinned: new ModulePatterns(config.pinned),
  })
  const direct = new Direct({
    config,
    http,
    guard: new PublicAddresses(config.guard.allow),
    parents: route,
    services,
    scope,
    folder: config.store.disk === undefined ? null : resolve(config.store.disk.path, 'clones'),
  })
  const chain = new Chain({ config, http, direct, parents, scope, services })
  const { documents } = store
  const mirror =
    config.sumdb === null
      ? null
      : new SumdbMirror({
          config: { ...config, sumdb: config.sumdb },
          services,
          scope,
          documents,
          isPrivate: (module) => policy.isPrivate(module),
          remote: (path, signal) => chain.sumdb(path, signal),
        })
  const ownSumdb: OwnSumdb | null =
    config.ownSumdb === undefined
      ? null
      : new OwnSumdb({
          name: config.ownSumdb.name,
          key: config.ownSumdb.key ?? null,
          documents,
          scope,
          hashes: (module, version, signal) => zipHashes({ library, store }, module, version, signal),
        })
  // A key that is none is said now, and one that is still to be made is made.
  await ownSumdb?.verifierKey()
  const library = new ModuleLibrary({
    config,
    services,
    scope,
    origin: chain,
    store,
    trust: ownSumdb === null ? mirror : new FirstSeenTrust(ownSumdb, mirror),
    ages: mirror,
    checker: new ZipChecker({ scope, world, ledger }),
    policy,
    log: ownSumdb,
    coordination: await openCoordination(config.coordination, documents, { services, scope }),
  })
  const databases = new ChecksumDatabases([mirror, ownSumdb].filter((each) => each !== null))
  const { notify } = services
  const index = new IndexFeed({ documents, scope, world, notify })
  library.onStored((version) => index.stored(version))
  const downloads = new DownloadCounts({ documents, scope, notify })
  const catalogue = new Catalogue({ store, downloads, world })
  const publishing = new Publishing({ config, library, store, policy, world })
  return { library, store, chain, policy, databases, ownSumdb, publishing, index, catalogue, downloads }
}
