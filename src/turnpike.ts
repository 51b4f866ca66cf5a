import { randomBytes } from 'node:crypto'
import type { Config, ConfigInput } from './config/config.ts'
import { ConfigWatch } from './config-watch.ts'
import { loadConfigObject, type LoadedConfig } from './config/load.ts'
import { controlView } from './control-view.ts'
import { AccessLog } from './control/access-log.ts'
import type { AdminServer } from './control/admin-server.ts'
import { Logger } from './control/logger.ts'
import { openLogger } from './control/open-logger.ts'
import { LoopDelay } from './control/loop-delay.ts'
import { Metrics } from './control/metrics.ts'
import { ReloadHistory, type ReloadReport } from './control/reload-history.ts'
import { version } from './control/version.ts'
import { formatAddress, type ListenAddress } from './core/address.ts'
import { TurnpikeError } from './core/error.ts'
import { createEngine } from './engine/engine.ts'
import type { Exchange } from './engine/exchange.ts'
import { realWorld } from './engine/real-world.ts'
import { Scope } from './engine/scope.ts'
import type { EngineServices } from './engine/services.ts'
import { SharedStates } from './engine/shared-states.ts'
import type { BindAddress, World } from './engine/world.ts'
import { buildGeneration, pseudonyms } from './build-generation.ts'
import type { Generation } from './generation.ts'
import { ListenerSet, type LeavingListeners, type ListenerChange } from './listener-set.ts'
import type { LoadContext } from './load-off-loop.ts'
import { ReloadQueue, type LoadConfig } from './reload-queue.ts'

export interface TurnpikeOptions {
  /** Default: this machine's. */
  world?: World
  /** Told what goes on beside the requests: failing tasks, log sinks, refused connections. Default: standard error, by `log.level`. */
  logger?: Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>
  /** Reads the config again where it came from: for `reread`. Default: it came from nowhere. */
  load?: (context: LoadContext) => Promise<LoadedConfig>
}

/** What a stop left behind. */
export interface StopReport {
  /** Connections that were still busy when the drain time was over, and were cut. */
  cut: number
}

interface OpenAdmin {
  server: AdminServer
  close(): Promise<void>
}

/** One running Turnpike: a config made to serve, until another one takes its place or it is stopped. */
export class Turnpike {
  readonly services: EngineServices
  readonly metrics: Metrics
  readonly log: AccessLog
  readonly history: ReloadHistory
  /** The config that serves, and what it was made into. */
  loaded: LoadedConfig
  generation: Generation
  /** Accepts no new work. */
  draining = false
  private readonly parts: Parts
  private readonly listeners: ListenerSet
  private readonly reloads: ReloadQueue
  private watching: ConfigWatch | null = null
  private admin: OpenAdmin | null = null
  private stopping: Promise<StopReport> | null = null
  /** Resolved by the second call to stop. */
  private readonly hurry = Promise.withResolvers<void>()

  private constructor(loaded: LoadedConfig, generation: Generation, parts: Parts) {
    this.loaded = loaded
    this.generation = generation
    this.services = parts.services
    this.metrics = parts.metrics
    this.log = parts.log
    this.parts = parts
    this.listeners = new ListenerSet(parts)
    parts.ownAddresses = () => [
      ...this.listeners.addresses().values(),
      ...(this.adminAddress === null ? [] : [this.adminAddress]),
    ]
    const { world } = parts.services
    this.history = new ReloadHistory(world.wallClock())
    this.reloads = new ReloadQueue({
      world,
      history: this.history,
      logger: parts.logger,
      revision: () => this.loaded.revision,
      apply: (next) => this.apply(next),
      read: (files) => this.watching?.follow(files),
    })
  }

  /** Builds everything off to the side, then binds. Rejects with a TurnpikeError, with nothing left open. */
  static async start(loaded: LoadedConfig, options: TurnpikeOptions = {}): Promise<Turnpike> {
    const parts = await makeParts(loaded.config, options)
    try {
      const { generation, scope } = await buildGeneration(loaded.config, parts)
      const turnpike = new Turnpike(loaded, generation, parts)
      try {
        turnpike.admin = await turnpike.openAdmin(loaded.config)
        const change = await turnpike.listeners.prepare(loaded.config, generation, scope)
        change.commit()
      } catch (error) {
        await turnpike.stop(0)
        throw error
      }
      return turnpike
    } catch (error) {
      await parts.log.close()
      await parts.scope.close()
      await parts.closeLogger()
      throw error
    }
  }

  /** What was bound, by listener name: with real ports where 0 was asked for. */
  get addresses(): Map<string, BindAddress> {
    return this.listeners.addresses()
  }

  /** Where the admin API stands, null where it is off. */
  get adminAddress(): ListenAddress | null {
    return this.admin?.server.address() ?? null
  }

  /** Reads its config again whenever a file that it was read from says something else. */
  watch(): void {
    const { scope, services } = this.parts
    this.watching ??= new ConfigWatch(this.loaded.source.files, scope.child(), services.ledger, () => {
      void this.reread('file')
    })
  }

  /** Why no traffic should be sent here now; empty when ready. */
  notReady(): string[] {
    if (this.draining) return ['draining']
    const { addresses } = this
    const names = Object.keys(this.loaded.config.listeners).filter((name) => !addresses.has(name))
    return names.map((name) => `listener ${name} is not bound yet`)
  }

  /**
   * Puts another config in place of the one that serves; paths in it are relative to the current folder. What is
   * wrong is in the report, and then nothing has changed; nothing is thrown.
   */
  reload(config: ConfigInput): Promise<ReloadReport> {
    return this.reloads.add(() => loadConfigObject(config), 'call')
  }

  /** Reads its config again where it came from, as a signal does. Null where it came from nowhere. `reason`: what asked. */
  reread(reason: string): Promise<ReloadReport> | null {
    const { load } = this.parts
    return load === null ? null : this.reloads.add(load, reason)
  }

  /** Opens the access log again at its path, after it was moved away. */
  reopenLogs(): Promise<void> {
    return this.log.reopen()
  }

  /**
   * Fails `/ready`, waits for `shutdown.wait`, accepts no more, lets what is open finish within `drainMs`, cuts the
   * rest, writes the log out. A second call cuts at once.
   */
  stop(drainMs: number = this.loaded.config.shutdown.drain): Promise<StopReport> {
    if (this.stopping === null) this.stopping = this.drain(drainMs)
    else this.hurry.resolve()
    return this.stopping
  }

  /** W15: built beside what serves, in slices; swapped in within one turn; the one before ends by itself. */
  private async apply(loaded: LoadedConfig): Promise<void> {
    const { config } = loaded
    const before = { config: this.loaded.config, generation: this.generation, admin: this.admin }
    const { logger, scope: own, pseudonym } = this.parts
    const { generation, scope } = await buildGeneration(config, this.parts)
    const undo: (() => unknown)[] = [() => generation.close()]
    let listeners: ListenerChange
    let log: Awaited<ReturnType<AccessLog['prepare']>> | null = null
    let { admin } = before
    try {
      listeners = await this.listeners.prepare(config, generation, scope)
      undo.push(listeners.abandon)
      const remember = config.admin !== null
      if (accessTarget(config) !== accessTarget(before.config) || remember !== (before.config.admin !== null)) {
        log = await this.log.prepare(accessTarget(config), remember)
        undo.push(log.abandon)
      }
      if (adminAddressOf(config) !== adminAddressOf(before.config)) {
        admin = await this.openAdmin(config)
        undo.push(() => admin?.close())
      }
      if (this.draining) throw new TurnpikeError('ERR_DRAINING')
    } catch (error) {
      for (const each of undo.toReversed()) await each()
      throw error
    }
    // From here on nothing is waited for, and nothing fails.
    const leaving = listeners.commit()
    this.generation = generation
    this.loaded = loaded
    this.admin = admin
    log?.commit()
    if (logger instanceof Logger) logger.level = config.log.level
    if (admin !== null) admin.server.token = config.admin?.token?.reveal() ?? null
    Object.assign(this.services, pseudonyms(config, pseudonym))
    this.forgetRemoved()
    own.task((signal) => this.retire(before.generation, leaving, signal))
    if (admin !== before.admin) own.task(async () => before.admin?.close())
  }

  /** Lets an earlier generation end: when its exchanges have, or after the drain time. */
  private async retire(old: Generation, leaving: LeavingListeners, signal: AbortSignal): Promise<void> {
    // W3: a tunnel needs nothing of the generation that it began in, but where it is looked into.
    for (const exchange of old.inFlight.all()) {
      if (exchange.tunnel?.drain !== undefined) exchange.tunnel.drain()
      else if (exchange.tunnel !== null) this.adopt(exchange, old)
    }
    const late = Promise.withResolvers<void>()
    const timer = this.parts.scope.after(this.loaded.config.shutdown.drain, late.resolve)
    const stopping = (): void => late.resolve()
    signal.addEventListener('abort', stopping, { once: true })
    await Promise.race([Promise.all([old.inFlight.empty(), leaving.drained]), late.promise])
    timer.cancel()
    signal.removeEventListener('abort', stopping)
    leaving.cut()
    for (const exchange of old.inFlight.all()) if (!this.adopt(exchange, old)) cutExchange(exchange)
    await old.close()
    if (!signal.aborted) this.forgetRemoved()
  }

  private adopt(exchange: Exchange, from: Generation): boolean {
    if (!from.continues(exchange, this.generation)) return false
    this.generation.adopt(exchange)
    return true
  }

  /** W18: series of what the config has no longer go. */
  private forgetRemoved(): void {
    const { routes } = this.generation.router
    const names = new Set(routes.map(({ name }) => name))
    const endpoints = new Map(
      [...this.generation.clusters].map(([name, { members }]) => [
        name,
        new Set(members.map(({ endpoint }) => endpoint.url)),
      ]),
    )
    this.metrics.retain({
      route: (name) => names.has(name) || this.generation.isOtherRoute(name),
      endpoint: (upstream, url) => endpoints.get(upstream)?.has(url) === true,
      listener: (name) => this.loaded.config.listeners[name] !== undefined,
    })
  }

  private async openAdmin({ admin }: Config): Promise<OpenAdmin | null> {
    if (admin === null) return null
    const { world } = this.services
    const loopDelay = new LoopDelay(() => world.now())
    // With node:http, which nothing else needs: 40 ms less to start without.
    const { AdminServer } = await import('./control/admin-server.ts')
    try {
      const server = await AdminServer.listen({
        address: admin.address,
        token: admin.token?.reveal() ?? null,
        port: controlView(this, loopDelay),
        world,
        onError: (error) => this.parts.logger.error('the admin address failed', { error }),
      })
      const close = async (): Promise<void> => {
        loopDelay[Symbol.dispose]()
        await server.close()
      }
      return { server, close }
    } catch (error) {
      loopDelay[Symbol.dispose]()
      throw error
    }
  }

  private async drain(drainMs: number): Promise<StopReport> {
    this.draining = true
    const { world } = this.services
    const { wait } = this.loaded.config.shutdown
    if (wait > 0 && drainMs > 0) {
      const waited = Promise.withResolvers<void>()
      const timer = world.setTimer(waited.resolve, wait)
      this.listeners.announceEnd()
      await Promise.race([waited.promise, this.hurry.promise])
      timer.cancel()
    }
    const leaving = await this.listeners.close()
    for (const { tunnel } of this.generation.inFlight.all()) tunnel?.drain?.()
    if (drainMs > 0) {
      const late = Promise.withResolvers<void>()
      const timer = world.setTimer(late.resolve, drainMs)
      await Promise.race([leaving.drained, late.promise, this.hurry.promise])
      timer.cancel()
    }
    const cut = leaving.cut()
    await this.generation.close()
    await this.log.close()
    await this.admin?.close()
    await this.parts.scope.close()
    await this.parts.closeLogger()
    return { cut }
  }
}

interface Parts {
  services: EngineServices
  metrics: Metrics
  log: AccessLog
  scope: Scope
  /** All that is listened on now. */
  ownAddresses: () => readonly BindAddress[]
  /** This instance's name where the config gives none. */
  pseudonym: string
  logger: NonNullable<TurnpikeOptions['logger']>
  closeLogger: () => Promise<void>
  load: LoadConfig | null
}

async function makeParts(config: Config, options: TurnpikeOptions): Promise<Parts> {
  const { world = realWorld(), load } = options
  const metrics = new Metrics()
  const pseudonym = `turnpike-${randomBytes(4).toString('hex')}`
  const services: EngineServices = createEngine({
    world,
    ...pseudonyms(config, pseudonym),
    userAgent: `turnpike/${version()}`,
    observer: {
      routed: (exchange) => metrics.routed(exchange),
      finished: (exchange) => {
        metrics.finish(exchange)
        log.finish(exchange)
      },
    },
    notify: (level, message, fields) => logger[level](message, fields),
  })
  const { ledger } = services
  const { logger, close: closeLogger } =
    options.logger === undefined
      ? await openLogger({ level: config.log.level, world, ledger })
      : { logger: options.logger, close: () => Promise.resolve() }
  const scope = new Scope({
    world,
    ledger,
    states: new SharedStates(),
    onError: (error) => logger.error('a background task failed', { error }),
  })
  const log = await AccessLog.open({
    to: accessTarget(config),
    remember: config.admin !== null,
    ids: services.requestIds,
    world,
    ledger,
    report: (message) => logger.error(message),
  })
  const reread = load === undefined ? null : () => load({ scope, world, ledger })
  return { services, metrics, log, scope, ownAddresses: () => [], pseudonym, logger, closeLogger, load: reread }
}

function accessTarget({ log }: Config): string | null {
  return log.access?.to ?? null
}

function adminAddressOf({ admin }: Config): string {
  return admin === null ? '' : formatAddress(admin.address)
}

/** What a reload took the route of away, and that has not ended in time. */
function cutExchange(exchange: Exchange): void {
  const error = new TurnpikeError('ERR_ROUTE_GONE')
  if (exchange.tunnel !== null) return exchange.tunnel.cut(error)
  const { worker } = exchange.client
  exchange.client.worker = null
  worker?.clientGone(error)
  exchange.fail(error)
}

/**
 * Starts a Turnpike from a config object; paths in it are relative to the current folder.
 * Rejects with a ConfigError, or with a TurnpikeError where an address cannot be bound.
 */
export async function createTurnpike(config: ConfigInput, options: TurnpikeOptions = {}): Promise<Turnpike> {
  return Turnpike.start(await loadConfigObject(config), options)
}
