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
  // What covers a path begins with as many of its literals, or fewer: so the time is not quadratic.
  const before = new Map<string, Route[]>()
  for (const route of routes) {
    let beginning = ''
    const candidates = [...(before.get('') ?? [])]
    for (const segment of route.path.segments) {
      if (segment === null) break
      beginning += `/${segment}`
      candidates.push(...(before.get(beginning) ?? []))
    }
    const by = candidates.find((candidate) => covers(candidate, route))
    if (by !== undefined) shadowed.push({ route, by })
    const same = before.get(beginning)
    if (same === undefined) before.set(beginning, [route])
    else same.push(route)
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
