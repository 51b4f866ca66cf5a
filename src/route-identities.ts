import { hash } from 'node:crypto'
import type { Config } from './config/config.ts'
import { contentText } from './config/content-text.ts'
import type { MiddlewareUse } from './config/middleware-schemas.ts'
import type { Steps } from './core/steps.ts'

/**
 * A hash of what each route, and each stream, depends on: what it matches and does, the settings of its upstreams, the middleware in
 * front of it. Where it stays the same in a reload, what streams on the route goes on. The endpoints of an upstream
 * are left out: those that stay keep their streams though others come and go.
 */
export class RouteIdentities {
  private readonly routes = new Map<string, string>()
  private readonly listeners = new Map<string, string>();

  static *building({ listeners, middlewares, gateway }: Config): Steps<RouteIdentities> {
    const identities = new RouteIdentities()
    const content = (use: MiddlewareUse): unknown => ('name' in use ? [use.name, middlewares[use.name]] : use)
    for (const [name, { use }] of Object.entries(listeners)) {
      identities.listeners.set(name, contentText(use.map(content)))
    }
    if (gateway === undefined) return identities
    const upstreams = new Map<string, string>()
    for (const [name, { endpoints: _, ...settings }] of Object.entries(gateway.upstreams)) {
      upstreams.set(name, contentText(settings))
      yield
    }
    const ofDoor = contentText(gateway.use.map(content))
    for (const { use, ...route } of gateway.routes) {
      const settings = Array.isArray(route.to) ? route.to.map(({ upstream }) => upstreams.get(upstream)) : undefined
      identities.routes.set(route.name, hash('sha256', contentText([route, settings, use.map(content), ofDoor])))
      yield
    }
    for (const stream of gateway.streams) {
      identities.routes.set(stream.name, hash('sha256', contentText([stream, upstreams.get(stream.to), ofDoor])))
    }
    return identities
  }

  /** Of a route or stream for what comes in by a listener; null where there is no such route, stream or listener. */
  of(route: string, listener: string): string | null {
    const own = this.routes.get(route)
    const chain = this.listeners.get(listener)
    return own === undefined || chain === undefined ? null : `${own} ${chain}`
  }
}
