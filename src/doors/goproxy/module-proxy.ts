import { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Parents } from '../../engine/dial/parents.ts'
import { FileBodies } from '../../engine/file-body.ts'
import type { Scope } from '../../engine/scope.ts'
import type { Door, EngineServices } from '../../engine/services.ts'
import type { GoproxyConfig } from './config.ts'
import type { ChainMember } from './origin/chain-link.ts'
import { openModuleServices, type ModuleServices } from './module-services.ts'
import { ClientAuth } from './policy/client-auth.ts'
import { ClientLimits } from './policy/client-limits.ts'
import { moduleErrorReply } from './reply/error-reply.ts'
import { ModuleAnswers } from './reply/module-answers.ts'
import { WarmReplies } from './reply/warm-replies.ts'
import { readModuleRequest } from './request/module-request.ts'
import { RequestRun } from './request/request-run.ts'
import { routeNames } from './request/route-names.ts'

/** How long a client may read nothing of a zip. */
const CLIENT_STALL_MS = 60_000

/** What a module proxy is built with. */
export interface ModuleProxyParts {
  services: EngineServices
  /** Its own: all that it starts ends with it. It lives as long as any generation has this very config. */
  scope: Scope
  /** Those of the config. */
  parents: Parents
  /** Told what nobody else hears of. */
  report: (error: unknown) => void
}

/** What the admin address shows. */
export interface ModuleFacts {
  chain: ChainMember[]
  store: { kind: string; bytes: number; versions: number }
  /** The checksum database that is asked and mirrored, null for none. */
  sumdb: string | null
  /** The verifier key of its own one, null for none. */
  ownSumdb: string | null
}

/** The door to Go modules. */
export class ModuleProxy implements Door {
  /** Its store is open and it can serve. Rejects with a TurnpikeError. */
  readonly ready: Promise<void>
  private readonly parts: ModuleProxyParts
  private readonly config: GoproxyConfig
  private readonly auth: ClientAuth
  private readonly limits: ClientLimits
  private readonly warm: WarmReplies
  private modules: ModuleServices | null = null
  private answers: ModuleAnswers | null = null

  constructor(config: GoproxyConfig, parts: ModuleProxyParts) {
    const { services, scope } = parts
    const { world } = services
    this.parts = parts
    this.config = config
    this.auth = new ClientAuth(config.auth, scope, world)
    this.limits = new ClientLimits(config.limits, world)
    this.warm = new WarmReplies(world, (module, version) => this.modules?.store.touch(module, version))
    this.ready = this.open(config)
  }

  /** Refuses what the client did wrong by itself, as the go command reads errors. */
  handle(exchange: Exchange): void {
    this.handleBelow(exchange, '')
  }

  /** The same for a request behind a gateway route: `mount` is what its path begins with, '' for nothing. */
  handleBelow(exchange: Exchange, mount: string): void {
    try {
      const proved = this.auth.identify(exchange)
      if (proved === undefined) this.serve(exchange, mount)
      else void this.serveWhen(proved, exchange, mount)
    } catch (thrown) {
      this.refuse(exchange, thrown)
    }
  }

  /** How it does now. */
  async facts(): Promise<ModuleFacts> {
    const { chain, store, ownSumdb } = this.modules!
    const { config } = this
    return {
      chain: chain.members,
      store: { kind: Object.keys(config.store)[0]!, ...(await store.usage()) },
      sumdb: config.sumdb?.name ?? null,
      ownSumdb: ownSumdb && (await ownSumdb.verifierKey()),
    }
  }

  /** Whether it calls exchanges so, where no gateway route gives them a name. */
  isRoute(name: string): boolean {
    return Object.values(routeNames).includes(name)
  }

  private async open(config: GoproxyConfig): Promise<void> {
    const { services, report } = this.parts
    const modules = await openModuleServices(config, this.parts)
    const { library, policy } = modules
    library.onStored(({ module, origin }) => {
      if (origin === 'published') this.warm.forget(module)
    })
    const files = new FileBodies(services, CLIENT_STALL_MS, report)
    const isPublic = (module: string): boolean => config.auth === null && !policy.isPrivate(module)
    const { world } = services
    this.answers = new ModuleAnswers({ modules, world, warm: this.warm, files, isPublic })
    this.modules = modules
  }

  private async serveWhen(proved: Promise<void>, exchange: Exchange, mount: string): Promise<void> {
    const run = new RequestRun(exchange, () => {})
    try {
      await proved
      if (!run.gone) this.serve(exchange, mount)
    } catch (thrown) {
      if (!run.gone) this.refuse(exchange, thrown)
    }
  }

  /** For a client that may ask. Throws what it did wrong. */
  private serve(exchange: Exchange, mount: string): void {
    this.limits.take(exchange)
    const { method, target } = exchange
    const below = exchange.strippedPrefix + mount
    if (method === 'PUT') return this.publish(exchange, below)
    if (method !== 'GET' && method !== 'HEAD') throw new TurnpikeError('ERR_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD' })
    const key = below === '' ? target : `${below}\n${target}`
    const warm = this.warm.find(key)
    if (warm !== undefined) {
      this.name(exchange, warm.route)
      if (warm.route === routeNames.zip) this.modules!.downloads.count(exchange, warm)
      warm.reply.send(exchange, 'hit')
      return
    }
    const request = readModuleRequest(target, below)
    const route = routeNames[request.kind]
    this.name(exchange, route)
    // A query is the client's own: what is asked with one is not kept.
    const kept = target.includes('?') ? null : key
    this.run(exchange, (run) => this.answers!.answer(request, run, route, kept))
  }

  private publish(exchange: Exchange, below: string): void {
    const request = readModuleRequest(exchange.target, below)
    if (request.kind !== 'zip') throw new TurnpikeError('ERR_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD' })
    this.name(exchange, routeNames.publish)
    const { module, version } = request
    this.run(exchange, async (run) => {
      const reply = await this.modules!.publishing.take({ module, version, exchange, signal: run.ask.signal })
      run.finish()
      if (!run.gone) exchange.reply(reply)
    })
  }

  /** What takes time. */
  private run(exchange: Exchange, work: (run: RequestRun) => Promise<void>): void {
    const run = new RequestRun(exchange, this.limits.enter(exchange))
    work(run).catch((thrown: unknown) => {
      run.finish()
      if (!run.gone) this.refuse(exchange, thrown)
    })
  }

  /** Behind a gateway route it has its name already. */
  private name(exchange: Exchange, route: string): void {
    if (exchange.route !== '') return
    exchange.route = route
    this.parts.services.observer.routed(exchange)
  }

  private refuse(exchange: Exchange, thrown: unknown): void {
    let error = TurnpikeError.from(thrown, 'route')
    if (error.code === 'ERR_INTERNAL') this.parts.report(thrown)
    if (error.code === 'ERR_AUTH_REQUIRED') error = this.counted(exchange, error)
    exchange.error ??= error
    // A reply that has begun can only be cut off.
    if (exchange.status !== 0) return exchange.fail(error)
    exchange.cache = error.fields.find(([name]) => name === 'X-Cache')?.[1] ?? ''
    exchange.reply(moduleErrorReply(error, exchange, this.parts.services))
  }

  /** Who guesses passwords is a client too. */
  private counted(exchange: Exchange, error: TurnpikeError): TurnpikeError {
    try {
      this.limits.take(exchange)
      return error
    } catch (limited) {
      return TurnpikeError.from(limited, 'route')
    }
  }
}
