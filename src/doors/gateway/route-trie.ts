import type { RouteRequest } from './condition.ts'
import type { Route } from './route.ts'

/**
 * The routes of one host pattern by path: one node a segment. A node knows the best rank below it, so
 * that a search leaves out every branch that cannot beat what it has; the time depends on the length of
 * the path, not on the number of routes. Routes with the same host and path are tried one by one.
 */
export class RouteTrie<T> {
  private readonly root = new Node<T>()

  /** Adds a route; routes come in order of rank. */
  add(route: Route<T>): void {
    const { kind, segments } = route.path
    let node = this.root
    node.best = Math.min(node.best, route.rank)
    for (const segment of segments) {
      node = node.child(segment)
      node.best = Math.min(node.best, route.rank)
    }
    if (kind === 'regex') node.addRegex(route)
    else if (kind === 'prefix') (node.below ??= []).push(route)
    else (node.ends ??= []).push(route)
  }

  /**
   * The route of lowest rank that serves `path`, or `best` where none has a lower rank than that.
   * Every route whose host and path match and whose conditions were looked at goes into `tried`.
   */
  find(request: RouteRequest, path: string, best: Route<T> | null, tried: Route<T>[] | null): Route<T> | null {
    const { root } = this
    if (best !== null && best.rank < root.best) return best
    // `*` of `OPTIONS *` is no path: only a route for every path takes it.
    if (path === '*') return root.below === null ? best : first(root.below, request, best, tried)
    return find(root, request, path, 1, best, tried)
  }
}

class Node<T> {
  /** Lowest rank of all routes here and below. */
  best = Number.MAX_SAFE_INTEGER
  literals: Map<string, Node<T>> | null = null
  parameter: Node<T> | null = null
  /** Routes whose pattern ends here. */
  ends: Route<T>[] | null = null
  /** Routes for this and everything below. */
  below: Route<T>[] | null = null
  /** Regexes whose literal prefix ends in the next segment, by the length of that prefix, then by itself. */
  regexes: { length: number; best: number; byPrefix: Map<string, Route<T>[]> }[] | null = null

  child(segment: string | null): Node<T> {
    if (segment === null) return (this.parameter ??= new Node())
    const literals = (this.literals ??= new Map<string, Node<T>>())
    const known = literals.get(segment)
    if (known !== undefined) return known
    const made = new Node<T>()
    literals.set(segment, made)
    return made
  }

  addRegex(route: Route<T>): void {
    const prefix = route.path.literalPrefix
    const groups = (this.regexes ??= [])
    let group = groups.find(({ length }) => length === prefix.length)
    if (group === undefined) groups.push((group = { length: prefix.length, best: route.rank, byPrefix: new Map() }))
    const same = group.byPrefix.get(prefix)
    if (same === undefined) group.byPrefix.set(prefix, [route])
    else same.push(route)
  }
}

function find<T>(
  node: Node<T>,
  request: RouteRequest,
  path: string,
  at: number,
  found: Route<T> | null,
  tried: Route<T>[] | null,
): Route<T> | null {
  let best = found
  if (at > path.length) {
    if (node.ends !== null) best = first(node.ends, request, best, tried)
  } else if (node.literals !== null || node.parameter !== null) {
    const slash = path.indexOf('/', at)
    const end = slash < 0 ? path.length : slash
    if (node.literals !== null) {
      const child = node.literals.get(path.slice(at, end))
      if (child !== undefined && (best === null || child.best < best.rank)) {
        best = find(child, request, path, end + 1, best, tried)
      }
    }
    const { parameter } = node
    if (parameter !== null && end > at && (best === null || parameter.best < best.rank)) {
      best = find(parameter, request, path, end + 1, best, tried)
    }
  }
  if (node.regexes !== null) {
    for (const group of node.regexes) {
      if (best !== null && best.rank < group.best) continue
      const routes = group.byPrefix.get(path.slice(0, group.length))
      if (routes !== undefined) best = firstOfRegexes(routes, request, path, best, tried)
    }
  }
  if (node.below !== null) best = first(node.below, request, best, tried)
  return best
}

function first<T>(
  routes: Route<T>[],
  request: RouteRequest,
  best: Route<T> | null,
  tried: Route<T>[] | null,
): Route<T> | null {
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index]!
    if (best !== null && best.rank < route.rank) break
    if (tried !== null) tried.push(route)
    if (route.accepts(request)) return route
  }
  return best
}

function firstOfRegexes<T>(
  routes: Route<T>[],
  request: RouteRequest,
  path: string,
  best: Route<T> | null,
  tried: Route<T>[] | null,
): Route<T> | null {
  for (const route of routes) {
    if (best !== null && best.rank < route.rank) break
    if (!route.path.matchesRegex(path)) continue
    if (tried !== null) tried.push(route)
    if (route.accepts(request)) return route
  }
  return best
}
