import { certificateSources } from './certs/certificate-sources.ts'
import type { Config } from './config/config.ts'
import type { Logger } from './control/logger.ts'
import type { Metrics } from './control/metrics.ts'
import { formatAddress } from './core/address.ts'
import { StreamMatch } from './doors/gateway/streams/stream-match.ts'
import type { TurnpikeError } from './core/error.ts'
import { Doorway } from './engine/doorway.ts'
import type { HttpServerOptions } from './engine/http1/http-server.ts'
import { listenerHttp } from './engine/http1/listener-http.ts'
import type { ConnectionServer } from './engine/listen/connection-server.ts'
import { GatewayServer, type GatewayServerOptions } from './engine/proxy/gateway-server.ts'
import type { ProxyDoor } from './engine/proxy/proxy-door.ts'
import { ProxyDoorway } from './engine/proxy/proxy-doorway.ts'
import { ProxyServer, type ProxyServerOptions } from './engine/proxy/proxy-server.ts'
import { Listener } from './engine/listen/listener.ts'
import type { ListenerSettings } from './engine/listen/listener-settings.ts'
import { refusalText } from './engine/listen/refusal.ts'
import type { Scope } from './engine/scope.ts'
import type { Door, EngineServices } from './engine/services.ts'
import { TlsServer } from './engine/tls/tls-server.ts'
import type { BindAddress, World } from './engine/world.ts'

type ListenerConfig = Config['listeners'][string]

/** One address with what serves its connections. */
interface OpenListener {
  /** As the config writes it, and what else only another socket can change. */
  readonly address: string
  readonly listener: Listener
  /** What serves the connections from here on; another one where a reload puts another kind of door behind it. */
  entrance: Entrance
  bound: BindAddress
}

/** The connections of a listener, and where they lead. */
interface Entrance {
  readonly server: ConnectionServer
  /** Leads them to the doors of another generation; false where that takes an entrance of another kind. */
  lead(name: string, config: Config, settings: ListenerSettings, doors: Doors): boolean
}

/** What the listeners share. */
export interface ListenerParts {
  services: EngineServices
  metrics: Metrics
  logger: Pick<Logger, 'error' | 'debug'>
}

/** Other listeners, ready to take the place of those that are open. Exactly one of the two is to be called. */
export interface ListenerChange {
  /** Puts them in place, at once; gives those that are no longer wanted: they accept no more. */
  commit: () => LeavingListeners
  /** Frees what was bound for nothing. */
  abandon: () => Promise<void>
}

/** Listeners whose connections are still to end. */
export interface LeavingListeners {
  drained: Promise<unknown>
  /** Says how many connections were cut. */
  cut(): number
}

/** Says what serves each listener. */
export interface Doors {
  doorOf(listener: string): Door
  /** Of a listener with `door: forward`. */
  proxyDoorOf(listener: string): ProxyDoor
}

/** The open listeners, by name. */
export class ListenerSet {
  private readonly parts: ListenerParts
  private open = new Map<string, OpenListener>()

  constructor(parts: ListenerParts) {
    this.parts = parts
  }

  /** What is bound, by listener name: with real ports where 0 was asked for. */
  addresses(): Map<string, BindAddress> {
    return new Map([...this.open].map(([name, { bound }]) => [name, bound]))
  }

  /**
   * Makes listeners of a config that lead to their doors. Those whose address stays keep their socket, whatever they
   * are called; the others are bound here. Rejects with ERR_LISTEN, with nothing changed.
   */
  async prepare(config: Config, doors: Doors, scope: Scope): Promise<ListenerChange> {
    const wanted = Object.entries(config.listeners)
    const left = new Map(this.open)
    const kept = new Map<string, OpenListener>()
    // By name first: two listeners may both ask for port 0.
    for (const [name, listener] of wanted) {
      const own = left.get(name)
      if (own?.address === addressOf(listener)) kept.set(name, own)
    }
    for (const own of kept.values()) left.delete(own.listener.name)
    for (const [name, listener] of wanted) {
      const { address } = listener
      if (kept.has(name) || (address.kind === 'tcp' && address.port === 0)) continue
      const other = [...left.values()].find((each) => each.address === addressOf(listener))
      if (other === undefined) continue
      kept.set(name, other)
      left.delete(other.listener.name)
    }
    const { world } = this.parts.services
    const settings = new Map<string, ListenerSettings>()
    for (const [name, listener] of wanted) settings.set(name, await settingsOf(listener, scope, world))
    const added = new Map<string, OpenListener>()
    const abandon = async (): Promise<void> => {
      await Promise.all([...added.values()].map(close))
    }
    try {
      for (const [name, listener] of wanted) {
        if (kept.has(name)) continue
        added.set(name, await this.bind(name, listener, config, settings.get(name)!, doors))
      }
    } catch (error) {
      await abandon()
      throw error
    }
    const commit = (): LeavingListeners => {
      const replaced: ConnectionServer[] = []
      for (const [name, own] of kept) {
        const next = settings.get(name)!
        own.listener.name = name
        own.listener.settings = forListener(name, config, next)
        if (own.entrance.lead(name, config, next, doors)) continue
        replaced.push(own.entrance.server)
        own.entrance = this.entrance(name, config, next, doors, own.listener)
      }
      this.open = new Map(wanted.map(([name]) => [name, (kept.get(name) ?? added.get(name))!]))
      for (const { listener } of left.values()) void listener.close()
      return leave([...replaced, ...[...left.values()].map(serverOf)])
    }
    return { commit, abandon }
  }

  /** The next replies say that their connections close with them. */
  announceEnd(): void {
    for (const { entrance } of this.open.values()) entrance.server.announceEnd()
  }

  /** Accepts no more; open connections end as they come free. */
  async close(): Promise<LeavingListeners> {
    const all = [...this.open.values()]
    await Promise.all(all.map(({ listener }) => listener.close()))
    return leave(all.map(serverOf))
  }

  private async bind(
    name: string,
    { address, mode }: ListenerConfig,
    config: Config,
    settings: ListenerSettings,
    doors: Doors,
  ): Promise<OpenListener> {
    const { services, metrics, logger } = this.parts
    const captures = mode === 'redirect' || mode === 'tproxy' ? mode : undefined
    const { world, timers, ledger } = services
    const listener: Listener = new Listener(
      name,
      address.kind === 'unix' || captures === undefined ? address : { ...address, captures },
      forListener(name, config, settings),
      { world, wheel: timers, ledger },
      {
        connection: (socket, session) => {
          metrics.accepted(session.listener)
          open.entrance.server.accept(socket, session)
        },
        refused: this.refused(() => listener.name),
        failed: (error) => logger.error('connections cannot be accepted', { listener: listener.name, error }),
        refusal: (error) => refusalText(error, services.pseudonym, services.clock.date),
      },
    )
    const entrance = this.entrance(name, config, settings, doors, listener)
    const open: OpenListener = { address: addressOf({ address, mode }), listener, entrance, bound: address }
    open.bound = await listener.listen()
    return open
  }

  private refused(listener: () => string): (error: TurnpikeError, peer: string) => void {
    return (error, peer) => this.parts.logger.debug('a connection was refused', { listener: listener(), peer, error })
  }

  private entrance(
    name: string,
    config: Config,
    settings: ListenerSettings,
    doors: Doors,
    listener: Listener,
  ): Entrance {
    const { services } = this.parts
    if (config.listeners[name]!.door === 'forward') {
      const doorway = new ProxyDoorway(doors.proxyDoorOf(name))
      const refused = this.refused(() => listener.name)
      const server = new ProxyServer(services, doorway, refused, proxyOptions(name, config, settings))
      return {
        server,
        lead(next, nextConfig, nextSettings, nextDoors) {
          if (nextConfig.listeners[next]!.door !== 'forward') return false
          server.configure(proxyOptions(next, nextConfig, nextSettings))
          doorway.door = nextDoors.proxyDoorOf(next)
          return true
        },
      }
    }
    const doorway = new Doorway(doors.doorOf(name))
    // Of the moment, not of the connection's time (H26).
    const security = () => listener.settings.tls?.security ?? null
    const server = new GatewayServer(services, doorway, gatewayOptions(config, name, security))
    return {
      server,
      lead(next, nextConfig, _, nextDoors) {
        if (nextConfig.listeners[next]!.door === 'forward') return false
        server.configure(gatewayOptions(nextConfig, next, security))
        doorway.door = nextDoors.doorOf(next)
        return true
      },
    }
  }
}

/** What stands before the server of a listener. */
function forListener(name: string, config: Config, settings: ListenerSettings): ListenerSettings {
  const { door, mode } = config.listeners[name]!
  // A proxy speaks TLS beside plain text: its first bytes are looked at before a handshake. Streams want none at all.
  if (door === 'forward' || mode === 'sni') return { ...settings, tls: null }
  const streams = streamsOf(name, config)
  if (streams.length === 0 || settings.tls === null) return settings
  const passes = (sni: string): boolean => streams.some((stream) => stream.matches(name, sni))
  return { ...settings, tls: { ...settings.tls, passes } }
}

function streamsOf(name: string, { listeners, gateway }: Config): StreamMatch[] {
  if (listeners[name]!.door !== 'gateway') return []
  const own = (gateway?.streams ?? []).filter(({ match }) => (match.listener ?? name) === name)
  return own.map(({ match }) => new StreamMatch(match))
}

function serverOf({ entrance }: OpenListener): ConnectionServer {
  return entrance.server
}

async function close({ listener, entrance }: OpenListener): Promise<void> {
  await listener.close()
  entrance.server.cut()
}

function leave(leaving: readonly ConnectionServer[]): LeavingListeners {
  const drained = leaving.map((server) => new Promise<void>((resolve) => server.drain(resolve)))
  return {
    drained: Promise.all(drained),
    cut: () => leaving.reduce((sum, server) => sum + server.cut(), 0),
  }
}

function gatewayOptions(config: Config, name: string, security: HttpServerOptions['security']): GatewayServerOptions {
  const listener = config.listeners[name]!
  const { mode, targetPort, tls } = listener
  const streams =
    mode === 'sni' ? 'all' : tls !== undefined && streamsOf(name, config).length > 0 ? 'unsecured' : 'none'
  return { http: { ...httpOptions(config, listener), security }, streams, targetPort }
}

function proxyOptions(name: string, config: Config, { tls }: ListenerSettings): ProxyServerOptions {
  const listener = config.listeners[name]!
  return {
    mode: listener.mode,
    targetPort: listener.targetPort,
    tls,
    http: httpOptions(config, listener),
  }
}

function httpOptions({ trustedProxies }: Config, listener: ListenerConfig): Omit<HttpServerOptions, 'security'> {
  return { ...listenerHttp(listener), http2: listener.http2 ?? false, trustedProxies }
}

/** A socket for TPROXY is one from its beginning. */
function addressOf({ address, mode }: Pick<ListenerConfig, 'address' | 'mode'>): string {
  return `${formatAddress(address)}${mode === 'tproxy' ? ' tproxy' : ''}`
}

async function settingsOf(
  { door, limits, timeouts, tls, http2 = door !== 'forward', proxyProtocol }: ListenerConfig,
  scope: Scope,
  world: World,
): Promise<ListenerSettings> {
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
                certificates: await certificateSources(tls.certificates, world),
                clientAuth:
                  tls.clientAuth === undefined ? null : { ca: tls.clientAuth.ca.text, mode: tls.clientAuth.mode },
                minVersion: tls.minVersion,
                http2,
              },
              scope,
            ),
          },
  }
}
