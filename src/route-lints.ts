import type { Config } from './config/config.ts'
import type { Finding } from './config/source.ts'
import { Router } from './doors/gateway/router.ts'
import { shadowedRoutes } from './doors/gateway/shadowed-routes.ts'

/** Routes that nothing reaches, because another one wins wherever they match: found by the router that serves. */
export function lintRoutes({ gateway }: Config): Finding[] {
  if (gateway === undefined) return []
  const { routes } = Router.compile(gateway.routes, () => null)
  return shadowedRoutes(routes).map(({ route, by }) => ({
    path: ['gateway', 'routes', route.position],
    part: 'value',
    code: 'ERR_CONFIG_LINT',
    message: `gateway.routes[${route.position}]: the route ${JSON.stringify(route.name)} is never reached: ${JSON.stringify(by.name)} matches whatever it does, and wins`,
  }))
}
