import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpClient } from '../../../engine/client/http-client.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { ParentRoute } from '../../../engine/dial/parent.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { GoproxyConfig } from '../config.ts'
import type { FileSink } from '../origin/module-files.ts'
import type { Ask, ModuleInfo, ModuleOrigin } from '../origin/module-origin.ts'
import { ProxyOrigin } from '../origin/proxy-origin.ts'
import { Clones } from './clones.ts'
import { Credentials } from './credentials.ts'
import { DirectErrors } from './direct-errors.ts'
import { Discovery } from './discovery.ts'
import { defaultDeadlines, Git, type GitDeadlines } from './git.ts'
import { GitRepository } from './git-repository.ts'
import { GuardedFiles } from './guarded-files.ts'
import { GuardedWeb } from './guarded-web.ts'
import { placeOf } from './module-place.ts'
import { ModuleRepository } from './module-repository.ts'
import { RepositoryFinder, type CodePlace } from './repository-finder.ts'

/** What `direct` is built with. */
export interface DirectParts {
  config: Pick<GoproxyConfig, 'repositories' | 'insecure' | 'credentials' | 'netrc' | 'limits'>
  http: HttpClient
  /** Which addresses hosts, redirects and remotes may lead to. */
  guard: AddressGuard
  /** The parents that git's remotes are reached through, null for none; `http` has its own. */
  parents: ParentRoute | null
  services: EngineServices
  scope: Scope
  /** Where clones are kept, which several processes may share; made where it is not there. Null: a temporary one. */
  folder: string | null
  deadlines?: GitDeadlines
}

/** What both kinds of places can be asked. */
type Module = ModuleRepository | ProxyModule

/** Modules from where their code is, by git alone: the chain's member `direct` (cmd/go/internal/modfetch, lookupDirect). */
export class Direct implements ModuleOrigin {
  readonly name = 'direct'
  private readonly parts: DirectParts
  private readonly web: GuardedWeb
  private readonly git: Git
  private readonly finder: RepositoryFinder
  private readonly errors: DirectErrors
  private clones: Promise<Clones> | null = null

  constructor(parts: DirectParts) {
    const { config, http, guard, parents, services, scope, deadlines = defaultDeadlines } = parts
    const credentials = new Credentials(config)
    const { concurrentFetches } = config.limits
    this.parts = parts
    this.web = new GuardedWeb(http, guard, credentials)
    this.errors = new DirectErrors(this.web)
    this.git = new Git({ services, scope, guard, parents, credentials, concurrentFetches, deadlines })
    this.finder = new RepositoryFinder({
      repositories: config.repositories,
      insecure: new ModulePatterns(config.insecure),
      discovery: new Discovery(this.web),
      reach: async (remote, signal) => {
        await (await this.allClones()).of(remote).refs(signal)
      },
      world: services.world,
    })
  }

  list(module: string, ask: Ask): Promise<string[]> {
    return this.answer(module, null, ask, (origin) => origin.list())
  }

  latest(module: string, ask: Ask): Promise<ModuleInfo> {
    return this.answer(module, 'latest', ask, (origin) => origin.latest())
  }

  info(module: string, query: string, ask: Ask): Promise<ModuleInfo> {
    return this.answer(module, query, ask, (origin) => origin.info(query))
  }

  mod(module: string, version: string, ask: Ask): Promise<Buffer> {
    return this.answer(module, version, ask, (origin) => origin.mod(version))
  }

  zip(module: string, version: string, into: FileSink, ask: Ask): Promise<void> {
    return this.answer(module, version, ask, (origin) => origin.zip(version, into))
  }

  private async answer<T>(module: string, query: string | null, ask: Ask, from: (origin: Module) => Promise<T>) {
    let place: CodePlace | null = null
    try {
      place = await this.finder.find(module, ask.signal)
      return await from(await this.moduleAt(place, module, ask))
    } catch (error) {
      throw await this.errors.explain(error, { module, query, place, signal: ask.signal })
    }
  }

  private async moduleAt(place: CodePlace, module: string, ask: Ask): Promise<Module> {
    const { limits } = this.parts.config
    if (place.kind === 'proxy') {
      const files = new GuardedFiles(place.url, place.insecure, this.web)
      return new ProxyModule(new ProxyOrigin(files, limits), module, ask)
    }
    const clone = (await this.allClones()).of(place.remote)
    const where = placeOf(module, place.root, place.subdirectory)
    const repository = new GitRepository(clone, ask.signal)
    return new ModuleRepository(where, repository, limits, this.parts.services.world)
  }

  private allClones(): Promise<Clones> {
    this.clones ??= this.openClones().catch((error: unknown) => {
      this.clones = null
      throw error
    })
    return this.clones
  }

  private async openClones(): Promise<Clones> {
    const { services, scope, folder } = this.parts
    return new Clones(folder ?? (await temporaryFolder(scope)), this.git, services, scope)
  }
}

/** One module of a module proxy that discovery led to. */
class ProxyModule {
  private readonly origin: ProxyOrigin
  private readonly module: string
  private readonly ask: Ask

  constructor(origin: ProxyOrigin, module: string, ask: Ask) {
    this.origin = origin
    this.module = module
    this.ask = ask
  }

  list(): Promise<string[]> {
    return this.origin.list(this.module, this.ask)
  }

  latest(): Promise<ModuleInfo> {
    return this.origin.latest(this.module, this.ask)
  }

  info(query: string): Promise<ModuleInfo> {
    return this.origin.info(this.module, query, this.ask)
  }

  mod(version: string): Promise<Buffer> {
    return this.origin.mod(this.module, version, this.ask)
  }

  zip(version: string, into: FileSink): Promise<void> {
    return this.origin.zip(this.module, version, into, this.ask)
  }
}

async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-clones-'))
  scope.use({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) })
  return folder
}
