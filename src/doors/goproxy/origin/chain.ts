import { TurnpikeError } from '../../../core/error.ts'
import type { HttpClient } from '../../../engine/client/http-client.ts'
import type { Parents } from '../../../engine/dial/parents.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import { ModulePatterns } from '../../../gomod/module-pattern.ts'
import { parseProxyList, withoutCredentials, type ProxyListMember } from '../../../gomod/proxy-list.ts'
import { PublicAddresses } from '../../../policy/public-addresses.ts'
import { memberSchema, type GoproxyConfig, type MemberConfig } from '../config.ts'
import { Credentials } from '../direct/credentials.ts'
import type { StagedFile } from '../store/staged-file.ts'
import { ChainLink, type ChainMember } from './chain-link.ts'
import { ContinuedZip } from './continued-zip.ts'
import { FolderFiles } from './folder-files.ts'
import { HttpFiles } from './http-files.ts'
import type { Ask, ModuleInfo, ModuleOrigin } from './module-origin.ts'
import { ProxyOrigin } from './proxy-origin.ts'
import { SumdbRoute } from './sumdb-route.ts'
import { walkChain } from './walk-chain.ts'

export interface ChainParts {
  config: GoproxyConfig
  http: HttpClient
  /** What stands for `direct`, and where private modules come from. */
  direct: ModuleOrigin
  /** Those that members may name. */
  parents: Parents
  scope: Scope
  services: EngineServices
}

/** The list of the config's `chain`, asked as the go command asks GOPROXY's (G4, G10): anew for each question. */
export class Chain implements ModuleOrigin {
  readonly name = 'chain'
  private readonly parts: ChainParts
  private readonly links: readonly ChainLink[]
  private readonly privateLinks: readonly ChainLink[]
  private readonly privateModules: ModulePatterns
  private readonly credentials: Credentials
  private readonly guard: PublicAddresses
  private readonly sumdbRoute: SumdbRoute | null

  constructor(parts: ChainParts) {
    const { config, direct, services } = parts
    this.parts = parts
    this.credentials = new Credentials(config)
    this.guard = new PublicAddresses(config.guard.allow)
    this.links = parseProxyList(config.chain).members.map((member) => this.link(member))
    // GONOPROXY: they never reach a member, whatever the list says.
    this.privateLinks = [new ChainLink('direct', ',', direct, null)]
    this.privateModules = new ModulePatterns(config.private)
    const { sumdb } = config
    const files = (url: URL): HttpFiles => this.httpFiles(url, memberSchema.parse({}))
    this.sumdbRoute =
      sumdb === null ? null : new SumdbRoute(sumdb, this.links, files, services.world, parts.scope.signal)
  }

  /** How each member does, in order. */
  get members(): ChainMember[] {
    return this.links.map(({ facts }) => facts)
  }

  list(module: string, ask: Ask): Promise<string[]> {
    return this.ask(module, ask, (origin) => origin.list(module, ask))
  }

  latest(module: string, ask: Ask): Promise<ModuleInfo> {
    return this.ask(module, ask, (origin) => origin.latest(module, ask))
  }

  info(module: string, query: string, ask: Ask): Promise<ModuleInfo> {
    return this.ask(module, ask, (origin) => origin.info(module, query, ask))
  }

  mod(module: string, version: string, ask: Ask): Promise<Buffer> {
    return this.ask(module, ask, (origin) => origin.mod(module, version, ask))
  }

  zip(module: string, version: string, into: StagedFile, ask: Ask): Promise<void> {
    return this.ask(module, ask, (origin, { proxy, name }) => {
      if (into.size === 0) return origin.zip(module, version, into, ask)
      if (proxy !== null) return proxy.zip(module, version, new ContinuedZip(into, name), ask)
      const message = `${name} cannot go on with a zip that another member began.`
      throw new TurnpikeError('ERR_MODULE_UPSTREAM', { message })
    })
  }

  /**
   * What the checksum database has below its name: `/lookup/M@V`, `/tile/…`, `/latest`. From the first member that
   * mirrors it, as the go command chooses (G24), else from the database itself. Rejects with ERR_MODULE_NOT_FOUND where
   * it does not know the module, else with ERR_SUMDB_UNAVAILABLE.
   */
  async sumdb(path: string, signal: AbortSignal): Promise<Buffer> {
    if (this.sumdbRoute === null)
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', { message: 'No checksum database is asked here.' })
    return await this.sumdbRoute.read(path, signal)
  }

  private ask<T>(module: string, ask: Ask, work: (origin: ModuleOrigin, link: ChainLink) => Promise<T>): Promise<T> {
    const links = this.privateModules.matches(module) ? this.privateLinks : this.links
    return walkChain(links, ask, this.parts.services.world, async (link) => {
      if (link.origin !== null) return await work(link.origin, link)
      throw new TurnpikeError('ERR_MODULE_NOT_FOUND', {
        message: `The chain ends with off: ${module} is not looked up.`,
      })
    })
  }

  private link({ url: text, next }: ProxyListMember): ChainLink {
    const { config, direct } = this.parts
    if (text === 'off') return new ChainLink(text, next, null, null)
    if (text === 'direct') return new ChainLink(text, next, direct, null)
    const url = new URL(text)
    const name = nameOf(text)
    if (url.protocol === 'file:') {
      return new ChainLink(name, next, new ProxyOrigin(new FolderFiles(name, url), config.limits), null)
    }
    const files = this.httpFiles(url, settingsOf(config, name))
    return new ChainLink(name, next, new ProxyOrigin(files, config.limits), files)
  }

  private httpFiles(url: URL, settings: MemberConfig): HttpFiles {
    const { http, parents, services, scope } = this.parts
    const { credentials, guard } = this
    const { parent } = settings
    const way = parent === undefined ? {} : { parents: parents.route(parent ?? []) }
    return new HttpFiles({ url, name: nameOf(url.href), settings, credentials, http, guard, services, scope, ...way })
  }
}

/** The same for every way to write it, without what may be secret in it. */
function nameOf(url: string): string {
  return withoutCredentials(url).replace(/\/*(?:[?#].*)?$/, '')
}

/** Settings of a member, by its URL. */
export function settingsOf({ upstreams }: Pick<GoproxyConfig, 'upstreams'>, name: string): MemberConfig {
  const named = Object.entries(upstreams).find(([url]) => nameOf(url.includes('://') ? url : `https://${url}`) === name)
  return named?.[1] ?? memberSchema.parse({})
}
