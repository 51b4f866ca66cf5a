import type { RouteRequest } from './condition.ts'
import type { NoRoute } from './router.ts'
import type { Route } from './route.ts'
import { whyLess } from './specificity.ts'

/** A route that did not serve a request, and why. */
export interface Loser<T> {
  readonly route: Route<T>
  /** For people, as in `method POST not in [GET, HEAD]` or `less specific than users: prefix vs exact`. */
  readonly reason: string
  /** How near it came: 3 it would have served, 2 host and path match, 1 one of them does. */
  readonly nearness: 1 | 2 | 3
}

/** A decision of the router with its reasons. */
export interface Explanation<T> {
  /** The route that serves, null without one. */
  readonly winner: Route<T> | null
  /** Why there is no winner, null with one. */
  readonly refusal: NoRoute | null
  /** Routes that came near, the nearest first, among those in the order in which they win. */
  readonly losers: readonly Loser<T>[]
}

/** Why `route` does not serve a request that `winner` serves, or nobody; null where it is not near. */
export function explainLoser<T>(route: Route<T>, winner: Route<T> | null, request: RouteRequest): Loser<T> | null {
  const host = route.host.matches(request.host)
  const path = route.path.matches(request.path)
  if (host && path) {
    const failed = route.conditions.find((condition) => !condition.holds(request))
    if (failed !== undefined) return { route, reason: failed.reason(request), nearness: 2 }
    // Without a winner it would have won, were the path not read in two ways.
    const reason =
      winner === null
        ? 'the path could be read as another route’s'
        : `less specific than ${winner.name}: ${whyLess(route, winner)}`
    return { route, reason, nearness: 3 }
  }
  // A route for the whole of another host is near only where nothing serves the request.
  if (path && (winner === null || !route.path.isAny)) {
    const shown = request.host === '' ? 'absent' : JSON.stringify(request.host)
    return { route, reason: `host differs: it is ${shown}, wants ${route.host.text}`, nearness: 1 }
  }
  if (host && shareBeginning(route, request.path)) {
    return { route, reason: `path ${request.path} does not match ${route.path.text}`, nearness: 1 }
  }
  return null
}

/** Whether a path that does not match looks as if it were meant to. */
function shareBeginning(route: Route, path: string): boolean {
  const [first] = route.path.segments
  return first === undefined || first === null || path.split('/', 2)[1] === first
}
