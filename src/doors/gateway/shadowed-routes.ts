import type { Route } from './route.ts'

/** A route that never serves anything, because another one always wins. */
export interface ShadowedRoute {
  readonly route: Route
  readonly by: Route
}

/**
 * Routes that cannot be reached: some route that wins over them matches whatever they match. Takes the
 * routes in the order in which they win (`Router.routes`). Several routes that cover one together are
 * not seen, nor is a regex that covers another pattern.
 */
export function shadowedRoutes(routes: readonly Route[]): ShadowedRoute[] {
  const shadowed: ShadowedRoute[] = []
  for (const [index, route] of routes.entries()) {
    for (let before = 0; before < index; before++) {
      const by = routes[before]!
      if (covers(by, route)) {
        shadowed.push({ route, by })
        break
      }
    }
  }
  return shadowed
}

function covers(wide: Route, narrow: Route): boolean {
  return (
    wide.path.covers(narrow.path) &&
    wide.host.covers(narrow.host) &&
    wide.conditions.every((condition) => narrow.conditions.some((other) => condition.covers(other)))
  )
}
