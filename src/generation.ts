import type { Config } from './config/config.ts'
import { ForwardTarget } from './doors/gateway/forward-target.ts'
import { Gateway, type RouteTarget } from './doors/gateway/gateway.ts'
import { MiddlewareTarget } from './doors/gateway/middleware-target.ts'
import { RedirectTarget } from './doors/gateway/redirect.ts'
import { RespondTarget } from './doors/gateway/respond.ts'
import { Router } from './doors/gateway/router.ts'
import type { RouteConfig } from './doors/gateway/config.ts'
import { MiddlewareChains } from './engine/middleware/middleware-chains.ts'
import type { MiddlewareDefinition } from './engine/middleware/middleware.ts'
import type { Scope } from './engine/scope.ts'
import type { EngineServices } from './engine/services.ts'
import type { UpstreamSecurity } from './engine/tls/upstream-security.ts'
import { UpstreamTls } from './engine/tls/upstream-tls.ts'
import { Middlewares } from './middlewares.ts'
import { Cluster } from './upstream/cluster.ts'
import type { UpstreamConfig } from './upstream/config.ts'

/** What a generation is built with. */
export interface GenerationParts {
  services: EngineServices
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** Its own: all that it starts is started through it, and ends with it. */
  scope: Scope
  /** Middleware of the user's own, by the path that the config gives. */
  modules: ReadonlyMap<string, MiddlewareDefinition>
  /** Told what a middleware threw that is no TurnpikeError. */
  report: (error: unknown) => void
}

/** What a config becomes: routes and clusters, built off to the side, serving nothing until a listener hands it exchanges. */
export class Generation {
  readonly router: Router<RouteTarget>
  readonly door: Gateway
  readonly clusters: ReadonlyMap<string, Cluster>

  private readonly scope: Scope

  constructor(config: Config, { services, via, scope, modules, report }: GenerationParts) {
    this.scope = scope
    const upstreams = Object.entries(config.gateway?.upstreams ?? {})
    this.clusters = new Map(
      upstreams.map(([name, upstream]) => [
        name,
        new Cluster({ name, config: upstream, services, security: securityOf(upstream), via, scope }),
      ]),
    )
    const middlewares = new Middlewares({
      named: config.middlewares,
      modules,
      scope,
      services,
      upstream: (name) => this.clusters.get(name),
    })
    const ofListeners = new Map(
      Object.entries(config.listeners).map(([name, { use }]) => [name, middlewares.of(use, `listener ${name}`)]),
    )
    const ofDoor = middlewares.of(config.gateway?.use ?? [], 'gateway')
    const unrouted = new MiddlewareChains(ofListeners, ofDoor, report)
    this.router = Router.compile(config.gateway?.routes ?? [], (route) => {
      const ofRoute = middlewares.of(route.use, `route ${route.name}`)
      const chains =
        ofRoute.length === 0 ? unrouted : new MiddlewareChains(ofListeners, [...ofDoor, ...ofRoute], report)
      const target = this.targetOf(route)
      return chains.empty ? target : new MiddlewareTarget(target, chains)
    })
    this.door = new Gateway(this.router, services.observer, unrouted.empty ? null : unrouted)
    services.ledger.enter('generations')
    this.release = () => services.ledger.strike('generations')
  }

  private readonly release: () => void

  /** Lets go of its connections, idle ones now, the others as they come free; ends what it started. */
  async close(): Promise<void> {
    for (const cluster of this.clusters.values()) cluster.close()
    await this.scope.close()
    this.release()
  }

  private targetOf({ to, redirect, respond, upgrade }: RouteConfig): RouteTarget {
    if (redirect !== undefined) return new RedirectTarget(redirect)
    if (respond !== undefined) return new RespondTarget(respond)
    const shares = (to ?? []).map(({ upstream, weight }) => ({ cluster: this.clusters.get(upstream)!, weight }))
    return new ForwardTarget(shares, upgrade)
  }
}

function securityOf({ endpoints, tls }: UpstreamConfig): UpstreamSecurity | null {
  if (!endpoints.some((endpoint) => endpoint.tls)) return null
  return new UpstreamTls({
    minVersion: tls.minVersion,
    verify: tls.verify,
    ...(tls.ca && { ca: tls.ca.text }),
    ...(tls.serverName && { serverName: tls.serverName }),
    ...(tls.cert && tls.key && { cert: tls.cert.text, key: tls.key.text }),
  })
}
