import { hash } from 'node:crypto'
import type { Config } from './config/config.ts'
import { contentText } from './config/content-text.ts'
import type { Steps } from './core/steps.ts'
import { ForwardTarget } from './doors/gateway/forward-target.ts'
import { Gateway, type RouteTarget } from './doors/gateway/gateway.ts'
import { MiddlewareTarget } from './doors/gateway/middleware-target.ts'
import { RedirectTarget } from './doors/gateway/redirect.ts'
import { RespondTarget } from './doors/gateway/respond.ts'
import { Router } from './doors/gateway/router.ts'
import { StreamMatch } from './doors/gateway/streams/stream-match.ts'
import { StreamTable } from './doors/gateway/streams/stream-table.ts'
import type { RouteConfig } from './doors/gateway/config.ts'
import type { ForwardDoor, ForwardDoorOptions } from './doors/forward/forward-door.ts'
import type { FlowRecorder } from './doors/forward/flows/flow-recorder.ts'
import type { ModuleFacts, ModuleProxy } from './doors/goproxy/module-proxy.ts'
import type { ParentRoute } from './engine/dial/parent.ts'
import { Parents } from './engine/dial/parents.ts'
import type { Exchange } from './engine/exchange.ts'
import { InFlight } from './engine/in-flight.ts'
import type { Middleware } from './engine/middleware/middleware.ts'
import { MiddlewareChains } from './engine/middleware/middleware-chains.ts'
import type { ProxyDoor } from './engine/proxy/proxy-door.ts'
import type { Scope } from './engine/scope.ts'
import type { Door, EngineServices } from './engine/services.ts'
import type { UpstreamSecurity } from './engine/tls/upstream-security.ts'
import { UpstreamTls } from './engine/tls/upstream-tls.ts'
import { ForwardPassage } from './forward-passage.ts'
import type { MiddlewareDefinitions } from './middleware-definitions.ts'
import { Middlewares } from './middlewares.ts'
import { ModuleDoor } from './module-door.ts'
import { ModuleTarget } from './module-target.ts'
import { RouteIdentities } from './route-identities.ts'
import { Cluster } from './upstream/cluster.ts'
import type { UpstreamConfig } from './upstream/config.ts'

/** What a generation is built with. */
export interface GenerationParts {
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** Its own: all that it starts is started through it, and ends with it. */
  scope: Scope
  /** The code of the middleware that the config has. */
  middleware: MiddlewareDefinitions
  /** The module proxy that the config asks for, null for none. */
  modules: ModuleProxy | null
  /** Makes the forward proxy that the config asks for, null for none. */
  forward: ((options: Omit<ForwardDoorOptions, 'report' | 'ownAddresses' | 'leaves'>) => ForwardDoor) | null
  /** Writes down what passes it, null for nobody. */
  flows: FlowRecorder | null
  /** Told what a middleware threw that is no TurnpikeError. */
  report: (error: unknown) => void
}

/** What a config becomes: routes and clusters, built off to the side, serving nothing until a listener hands it exchanges. */
export class Generation implements Door {
  readonly router: Router<RouteTarget>
  readonly clusters: ReadonlyMap<string, Cluster>
  /** What it serves now. */
  readonly inFlight: InFlight
  readonly door: Gateway
  readonly streams: StreamTable
  private readonly chains: ReadonlyMap<string, MiddlewareChains>
  private readonly identities: RouteIdentities
  private readonly modules: ModuleDoor | null
  private readonly forward: ForwardDoor | null
  private readonly listeners: ReadonlyMap<string, 'gateway' | 'goproxy' | 'forward'>
  private readonly parts: GenerationParts

  private constructor(
    router: Router<RouteTarget>,
    clusters: ReadonlyMap<string, Cluster>,
    chains: ReadonlyMap<string, MiddlewareChains>,
    unrouted: MiddlewareChains,
    streams: StreamTable,
    identities: RouteIdentities,
    inFlight: InFlight,
    modules: ModuleDoor | null,
    forward: ForwardDoor | null,
    { listeners }: Config,
    parts: GenerationParts,
  ) {
    this.router = router
    this.clusters = clusters
    this.streams = streams
    this.chains = chains
    this.identities = identities
    this.inFlight = inFlight
    this.modules = modules
    this.forward = forward
    this.listeners = new Map(Object.entries(listeners).map(([name, { door }]) => [name, door]))
    this.parts = parts
    this.door = new Gateway(router, parts.services.observer, unrouted.empty ? null : unrouted, streams)
    parts.services.ledger.enter('generations')
  }

  /** In steps, so that it can be built beside what serves. Where it is given up, `scope` is to be closed. */
  static *building(config: Config, parts: GenerationParts): Steps<Generation> {
    const { services, scope, report } = parts
    const clusters = new Map<string, Cluster>()
    const parents = new Parents(config.parents)
    for (const [name, upstream] of Object.entries(config.gateway?.upstreams ?? {})) {
      clusters.set(name, sharedCluster(name, upstream, parents.route(upstream.parent), parts))
      yield
    }
    const middlewares = new Middlewares({
      named: config.middlewares,
      definitions: parts.middleware,
      scope,
      services,
      upstream: (name) => clusters.get(name),
    })
    const ofListeners = new Map(
      Object.entries(config.listeners).map(([name, { use }]) => [name, middlewares.of(use, `listener ${name}`)]),
    )
    const ofDoor = middlewares.of(config.gateway?.use ?? [], 'gateway')
    const unrouted = new MiddlewareChains(ofListeners, ofDoor, report)
    const chainsByRoute = new Map<string, MiddlewareChains>()
    const router = yield* Router.compiling(config.gateway?.routes ?? [], (route) => {
      const ofRoute = middlewares.of(route.use, `route ${route.name}`)
      const chains =
        ofRoute.length === 0 ? unrouted : new MiddlewareChains(ofListeners, [...ofDoor, ...ofRoute], report)
      const target = targetOf(route, clusters, parts.modules)
      if (chains.empty) return target
      chainsByRoute.set(route.name, chains)
      return new MiddlewareTarget(target, chains)
    })
    const streams = streamTable(config, clusters, unrouted, services)
    for (const { name } of config.gateway?.streams ?? []) if (!unrouted.empty) chainsByRoute.set(name, unrouted)
    const inFlight = new InFlight()
    const modules =
      parts.modules === null
        ? null
        : new ModuleDoor(
            parts.modules,
            inFlight,
            new MiddlewareChains(ofListeners, middlewares.of(config.goproxy?.use ?? [], 'goproxy'), report),
          )
    const forward = forwardDoor(config, parents, ofListeners, middlewares, inFlight, parts)
    const identities = yield* RouteIdentities.building(config)
    return new Generation(
      router,
      clusters,
      chainsByRoute,
      unrouted,
      streams,
      identities,
      inFlight,
      modules,
      forward,
      config,
      parts,
    )
  }

  handle(exchange: Exchange): void {
    this.inFlight.enter(exchange)
    this.door.handle(exchange)
  }

  /** What a listener's exchanges are handed to. */
  doorOf(listener: string): Door {
    const door = this.listeners.get(listener)
    return door === 'goproxy' ? this.modules! : door === 'forward' ? this.forward! : this
  }

  /** What the connections of a proxy's listener are led to. */
  proxyDoorOf(_listener: string): ProxyDoor {
    return this.forward!
  }

  /** What the admin address shows of the module proxy; undefined where there is none. */
  async moduleFacts(): Promise<ModuleFacts | undefined> {
    return await this.parts.modules?.facts()
  }

  /** What writes down the flows of the forward proxy, null where nothing does. */
  get flows(): FlowRecorder | null {
    return this.parts.flows
  }

  /** Whether a stream is called so, or the module proxy or the forward proxy calls its exchanges so. */
  isOtherRoute(name: string): boolean {
    return this.streams.has(name) || this.parts.modules?.isRoute(name) === true || this.forward?.isRoute(name) === true
  }

  /** Whether an exchange of this generation can live on in a later one: nothing that it depends on has changed. */
  continues(exchange: Exchange, next: Generation): boolean {
    const { route, upstream, endpoint, session } = exchange
    // A module proxy lives on where its config is the same.
    if (this.doorOf(session.listener) === this.modules)
      return this.parts.modules === next.parts.modules && next.doorOf(session.listener) === next.modules
    // What passes the forward proxy has been decided on: it needs nothing of its generation but its middleware.
    if (this.doorOf(session.listener) === this.forward)
      return exchange.hooks === null && next.doorOf(session.listener) === next.forward
    const identity = this.identities.of(route, session.listener)
    if (identity === null || identity !== next.identities.of(route, session.listener)) return false
    return (
      endpoint === '' || next.clusters.get(upstream)?.members.some((each) => each.endpoint.url === endpoint) === true
    )
  }

  /** Takes an exchange over from an earlier generation, which it then holds no longer. */
  adopt(exchange: Exchange): void {
    this.inFlight.enter(exchange)
    exchange.hooks?.rehome(this.chains.get(exchange.route)?.on(exchange.session.listener) ?? [])
  }

  /** Lets go of its connections, idle ones now, the others as they come free; ends what it started. */
  async close(): Promise<void> {
    await this.parts.scope.close()
    this.parts.services.ledger.strike('generations')
  }
}

function forwardDoor(
  { forward, listeners }: Config,
  parents: Parents,
  ofListeners: ReadonlyMap<string, readonly Middleware[]>,
  middlewares: Middlewares,
  inFlight: InFlight,
  { forward: make, services, via, scope, flows, report }: GenerationParts,
): ForwardDoor | null {
  if (forward === undefined || make === null) return null
  const ofDoor = middlewares.of(forward.use, 'forward')
  const ofRules = forward.rules.map(({ use }, index) => [
    ...ofDoor,
    ...middlewares.of(use, `forward rule ${index + 1}`),
  ])
  const chains = (list: readonly Middleware[]) => new MiddlewareChains(ofListeners, list, report)
  const recorded = (list: readonly Middleware[]) => (flows === null ? list : [...list, flows.middleware])
  return make({
    config: forward,
    listeners: new Map(Object.entries(listeners).filter(([, { door }]) => door === 'forward')),
    services,
    via,
    parents,
    passage: new ForwardPassage(
      inFlight,
      { usual: chains(ofDoor), byRule: ofRules.map(chains) },
      { usual: chains(recorded(ofDoor)), byRule: ofRules.map((list) => chains(recorded(list))) },
    ),
    scope,
  })
}

/** Of an upstream that stays as it was, the cluster stays too: with its connections and all that it has learnt. */
function sharedCluster(
  name: string,
  config: UpstreamConfig,
  parents: ParentRoute | null,
  { services, via, scope }: GenerationParts,
): Cluster {
  return scope.shared(`cluster:${hash('sha256', contentText([name, via, config, parents?.key]))}`, (own) => {
    const security = securityOf(config, own)
    return new Cluster({ name, config, services, security, via, parents, scope: own })
  })
}

function streamTable(
  { gateway }: Config,
  clusters: ReadonlyMap<string, Cluster>,
  chains: MiddlewareChains,
  { observer }: EngineServices,
): StreamTable {
  const streams = (gateway?.streams ?? []).map(({ name, match, to, timeouts }) => {
    const cluster = clusters.get(to)!
    return { name, match: new StreamMatch(match), cluster, timeouts: timeouts ? cluster.timeoutsFor(timeouts) : null }
  })
  return new StreamTable(streams, observer, chains.empty ? null : chains)
}

function targetOf(
  { to, redirect, respond, upgrade, timeouts }: RouteConfig,
  clusters: Map<string, Cluster>,
  modules: ModuleProxy | null,
): RouteTarget {
  if (redirect !== undefined) return new RedirectTarget(redirect)
  if (respond !== undefined) return new RespondTarget(respond)
  if (to !== undefined && 'goproxy' in to) return new ModuleTarget(modules!, to.goproxy.mount ?? '')
  const shares = (to ?? []).map(({ upstream, weight }) => {
    const cluster = clusters.get(upstream)!
    return { cluster, weight, timeouts: timeouts && cluster.timeoutsFor(timeouts) }
  })
  return new ForwardTarget(shares, upgrade)
}

/** A context costs a millisecond: made once for the same settings. */
function securityOf({ endpoints, tls, http2 }: UpstreamConfig, scope: Scope): UpstreamSecurity | null {
  if (!endpoints.some((endpoint) => endpoint.tls)) return null
  return scope.shared(
    `upstream-tls:${hash('sha256', contentText([tls, http2]))}`,
    () =>
      new UpstreamTls({
        minVersion: tls.minVersion,
        verify: tls.verify,
        http2,
        ...(tls.ca && { ca: tls.ca.text }),
        ...(tls.serverName && { serverName: tls.serverName }),
        ...(tls.cert && tls.key && { cert: tls.cert.text, key: tls.key.text }),
      }),
  )
}
