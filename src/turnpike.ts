import { randomBytes } from 'node:crypto'
import type { Config, ConfigInput } from './config/config.ts'
import { loadConfigObject, type LoadedConfig } from './config/load.ts'
import { controlView } from './control-view.ts'
import { AccessLog } from './control/access-log.ts'
import type { AdminServer } from './control/admin-server.ts'
import type { Logger } from './control/logger.ts'
import { openLogger } from './control/open-logger.ts'
import { LoopDelay } from './control/loop-delay.ts'
import { Metrics } from './control/metrics.ts'
import type { ListenAddress } from './core/address.ts'
import { createEngine } from './engine/engine.ts'
import { HttpServer } from './engine/http1/http-server.ts'
import { Listener } from './engine/listen/listener.ts'
import type { ListenerSettings } from './engine/listen/listener-settings.ts'
import { realWorld } from './engine/real-world.ts'
import { refusalText } from './engine/listen/refusal.ts'
import { Scope } from './engine/scope.ts'
import type { EngineServices } from './engine/services.ts'
import { SharedStates } from './engine/shared-states.ts'
import { TlsServer } from './engine/tls/tls-server.ts'
import type { BindAddress, World } from './engine/world.ts'
import { Generation } from './generation.ts'

export interface TurnpikeOptions {
  /** Default: this machine's. */
  world?: World
  /** Told what goes on beside the requests: failing tasks, log sinks, refused connections. Default: standard error, by `log.level`. */
  logger?: Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>
}

/** What a stop left behind. */
export interface StopReport {
  /** Connections that were still busy when the drain time was over, and were cut. */
  cut: number
}

interface OpenListener {
  listener: Listener
  server: HttpServer
}

/** One running Turnpike: a config made to serve, until it is stopped. */
export class Turnpike {
  readonly loaded: LoadedConfig
  readonly services: EngineServices
  readonly metrics: Metrics
  readonly log: AccessLog
  readonly generation: Generation
  /** What was bound, by listener name: with real ports where 0 was asked for. */
  readonly addresses = new Map<string, BindAddress>()
  /** Where the admin API stands, null where it is off. */
  adminAddress: ListenAddress | null = null
  /** Accepts no new work. */
  draining = false
  private readonly scope: Scope
  private readonly listeners: OpenListener[] = []
  private readonly logger: Parts['logger']
  private readonly closeLogger: () => Promise<void>
  private admin: AdminServer | null = null
  private stopping: Promise<StopReport> | null = null
  /** Connections that were cut while stopping. */
  private wasCut = 0

  private constructor(loaded: LoadedConfig, parts: Parts) {
    this.loaded = loaded
    this.services = parts.services
    this.metrics = parts.metrics
    this.log = parts.log
    this.scope = parts.scope
    this.logger = parts.logger
    this.closeLogger = parts.closeLogger
    this.generation = new Generation(loaded.config, {
      services: parts.services,
      via: parts.via,
      scope: parts.scope.child(),
      modules: new Map(),
      report: (error) => parts.logger.error('a middleware failed', { error }),
    })
  }

  /** Builds everything off to the side, then binds. Rejects with a TurnpikeError, with nothing left open. */
  static async start(loaded: LoadedConfig, options: TurnpikeOptions = {}): Promise<Turnpike> {
    const parts = await makeParts(loaded.config, options)
    try {
      const turnpike = new Turnpike(loaded, parts)
      try {
        await turnpike.openAdmin()
        await turnpike.listen()
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

  /** Why no traffic should be sent here now; empty when ready. */
  notReady(): string[] {
    if (this.draining) return ['draining']
    const names = Object.keys(this.loaded.config.listeners).filter((name) => !this.addresses.has(name))
    return names.map((name) => `listener ${name} is not bound yet`)
  }

  /** Opens the access log again at its path, after it was moved away. */
  reopenLogs(): Promise<void> {
    return this.log.reopen()
  }

  /**
   * Accepts no more, lets what is open finish within `drainMs`, cuts the rest, writes the log out.
   * A second call cuts at once.
   */
  stop(drainMs: number = this.loaded.config.shutdown.drain): Promise<StopReport> {
    if (this.stopping === null) this.stopping = this.drain(drainMs)
    else this.cut()
    return this.stopping
  }

  private async openAdmin(): Promise<void> {
    const { admin } = this.loaded.config
    if (admin === null) return
    const { world } = this.services
    const loopDelay = this.scope.use(new LoopDelay(() => world.now()))
    // With node:http, which nothing else needs: 40 ms less to start without.
    const { AdminServer: Server } = await import('./control/admin-server.ts')
    this.admin = await Server.listen({
      address: admin.address,
      token: admin.token?.reveal() ?? null,
      port: controlView(this, loopDelay),
      world,
      onError: (error) => this.logger.error('the admin address failed', { error }),
    })
    this.adminAddress = this.admin.address()
  }

  private async listen(): Promise<void> {
    for (const [name, config] of Object.entries(this.loaded.config.listeners)) {
      const { timeouts, limits } = config
      const settings = listenerSettings(config, this.scope)
      const server = new HttpServer(this.services, this.generation.door, {
        timeouts: {
          headMs: timeouts.head,
          idleMs: timeouts.idle,
          bodyProgress:
            timeouts.bodyProgress === null
              ? null
              : { bytes: timeouts.bodyProgress.bytes, windowMs: timeouts.bodyProgress.perMs },
          stallMs: timeouts.stall,
        },
        limits: { headBytes: limits.headSize, headerCount: limits.headerCount, targetBytes: limits.targetSize },
        trustedProxies: this.loaded.config.trustedProxies,
        security: () => settings.tls?.security ?? null,
      })
      const { world, timers, ledger, pseudonym } = this.services
      const context = { world, wheel: timers, ledger }
      const listener = new Listener(name, config.address, settings, context, {
        connection: (socket, session) => {
          this.metrics.accepted(name)
          server.accept(socket, session)
        },
        refused: (error, peer) => this.logger.debug('a connection was refused', { listener: name, peer, error }),
        failed: (error) => this.logger.error('connections cannot be accepted', { listener: name, error }),
        refusal: (error) => refusalText(error, pseudonym, this.services.clock.date),
      })
      this.listeners.push({ listener, server })
      this.addresses.set(name, await listener.listen())
    }
  }

  private async drain(drainMs: number): Promise<StopReport> {
    this.draining = true
    await Promise.all(this.listeners.map(({ listener }) => listener.close()))
    if (drainMs > 0) {
      const late = Promise.withResolvers<void>()
      const timer = this.services.world.setTimer(late.resolve, drainMs)
      const drained = this.listeners.map(({ server }) => new Promise<void>((resolve) => server.drain(resolve)))
      await Promise.race([Promise.all(drained), late.promise])
      timer.cancel()
    }
    this.cut()
    await this.generation.close()
    await this.log.close()
    await this.admin?.close()
    await this.scope.close()
    await this.closeLogger()
    return { cut: this.wasCut }
  }

  private cut(): void {
    for (const { server } of this.listeners) this.wasCut += server.cut()
  }
}

interface Parts {
  services: EngineServices
  metrics: Metrics
  log: AccessLog
  scope: Scope
  via: string
  logger: NonNullable<TurnpikeOptions['logger']>
  closeLogger: () => Promise<void>
}

async function makeParts(config: Config, options: TurnpikeOptions): Promise<Parts> {
  const { world = realWorld() } = options
  const metrics = new Metrics()
  // RFC 9110 §7.6.3: a pseudonym; two instances in a row must not take each other for themselves (H14).
  const named = config.via === 'auto' || config.via === null ? `turnpike-${randomBytes(4).toString('hex')}` : config.via
  const services: EngineServices = createEngine({
    world,
    pseudonym: named,
    via: config.via !== null,
    observer: {
      routed: (exchange) => metrics.routed(exchange),
      finished: (exchange) => {
        metrics.finish(exchange)
        log.finish(exchange)
      },
    },
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
    to: config.log.access?.to ?? null,
    remember: config.admin !== null,
    ids: services.requestIds,
    world,
    ledger,
    report: (message) => logger.error(message),
  })
  return { services, metrics, log, scope, via: config.via === null ? '' : named, logger, closeLogger }
}

function listenerSettings(config: Config['listeners'][string], scope: Scope): ListenerSettings {
  const { limits, timeouts, tls, proxyProtocol } = config
  return {
    connections: limits.connections,
    proxyProtocol: proxyProtocol === undefined ? null : { from: proxyProtocol.from, headerMs: timeouts.head },
    tls:
      tls === undefined
        ? null
        : {
            handshakeMs: timeouts.tls,
            security: new TlsServer(
              {
                certificates: tls.certificates.map(({ cert, key }) => ({
                  cert: cert.text,
                  key: key.text,
                  label: cert.path,
                })),
                clientAuth:
                  tls.clientAuth === undefined ? null : { ca: tls.clientAuth.ca.text, mode: tls.clientAuth.mode },
                minVersion: tls.minVersion,
              },
              scope,
            ),
          },
  }
}

/**
 * Starts a Turnpike from a config object; paths in it are relative to the current folder.
 * Rejects with a ConfigError, or with a TurnpikeError where an address cannot be bound.
 */
export async function createTurnpike(config: ConfigInput, options: TurnpikeOptions = {}): Promise<Turnpike> {
  return Turnpike.start(await loadConfigObject(config), options)
}
