import type { Steps } from '../../core/steps.ts'
import type { RouteRequest } from './condition.ts'
import type { Route } from './route.ts'
import { RoutesByValue } from './routes-by-value.ts'
import { TextTable } from './text-table.ts'

/**
 * The routes of one host pattern by path: one node a segment. A node knows the best rank below it, so
 * that a search leaves out every branch that cannot beat what it has; the time depends on the length of
 * the path, not on the number of routes. Routes with the same host and path are tried one by one, unless
 * the value of one field tells them apart.
 */
export class RouteTrie<T> {
  private readonly root = new Node<T>();

  /** Routes come in order of rank. */
  static *building<T>(routes: Iterable<Route<T>>): Steps<RouteTrie<T>> {
    const trie = new RouteTrie<T>()
    for (const route of routes) {
      trie.add(route)
      yield
    }
    yield* trie.root.seal()
    return trie
  }

  /**
   * The route of lowest rank that serves `path`, or `best` where none has a lower rank than that.
   * Every route whose host and path match and whose conditions were looked at goes into `tried`.
   */
  find(request: RouteRequest, path: string, best: Route<T> | null, tried: Route<T>[] | null): Route<T> | null {
    const { root } = this
    if (best !== null && best.rank < root.best) return best
    // `*` of `OPTIONS *` is no path: only a route for every path takes it.
    if (path === '*') return root.below === null ? best : first(root.below, root.belowByValue, request, best, tried)
    return find(root, request, path, 1, best, tried)
  }

  private add(route: Route<T>): void {
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
}

class Node<T> {
  /** Lowest rank of all routes here and below. */
  best = 0x3fff_ffff
  /** Text and node of the literal segment where there is one alone: fewer places of memory to visit. */
  onlyText = ''
  only: Node<T> | null = null
  /** Where there are several. */
  literals: TextTable<Node<T>> | null = null
  /** While it is built. */
  private growing: Map<string, Node<T>> | null = null
  parameter: Node<T> | null = null
  /** Routes whose pattern ends here. */
  ends: Route<T>[] | null = null
  endsByValue: RoutesByValue<T> | null = null
  /** Routes for this and everything below. */
  below: Route<T>[] | null = null
  belowByValue: RoutesByValue<T> | null = null
  /** Regexes whose literal prefix ends in the next segment, by the length of that prefix, then by itself. */
  regexes: { length: number; best: number; byPrefix: Map<string, Route<T>[]> }[] | null = null

  child(segment: string | null): Node<T> {
    if (segment === null) return (this.parameter ??= new Node())
    const growing = (this.growing ??= new Map<string, Node<T>>())
    const known = growing.get(segment)
    if (known !== undefined) return known
    const made = new Node<T>()
    growing.set(segment, made)
    return made
  }

  /** Ends the building of this node and all below. */
  *seal(): Steps<void> {
    yield
    if (this.parameter !== null) yield* this.parameter.seal()
    if (this.ends !== null) [this.ends, this.endsByValue] = RoutesByValue.split(this.ends)
    if (this.below !== null) [this.below, this.belowByValue] = RoutesByValue.split(this.below)
    const { growing } = this
    if (growing === null) return
    for (const [text, child] of growing) {
      yield* child.seal()
      this.onlyText = text
      this.only = child
    }
    if (growing.size > 1) {
      this.only = null
      this.literals = yield* TextTable.building(growing)
    }
    this.growing = null
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
    if (node.ends !== null) best = first(node.ends, node.endsByValue, request, best, tried)
  } else {
    const { only, literals, parameter } = node
    let end = -1
    let child: Node<T> | null = null
    if (only !== null) {
      end = at + node.onlyText.length
      if ((end === path.length || path.charCodeAt(end) === 0x2f) && path.startsWith(node.onlyText, at)) child = only
    } else if (literals !== null) {
      end = endOfSegment(path, at)
      child = literals.get(path, at, end)
    }
    if (child !== null && (best === null || child.best < best.rank)) {
      best = find(child, request, path, end + 1, best, tried)
    }
    if (parameter !== null && (best === null || parameter.best < best.rank)) {
      end = endOfSegment(path, at)
      if (end > at) best = find(parameter, request, path, end + 1, best, tried)
    }
  }
  if (node.regexes !== null) {
    for (const group of node.regexes) {
      if (best !== null && best.rank < group.best) continue
      const routes = group.byPrefix.get(path.slice(0, group.length))
      if (routes !== undefined) best = firstOfRegexes(routes, request, path, best, tried)
    }
  }
  if (node.below !== null) best = first(node.below, node.belowByValue, request, best, tried)
  return best
}

function endOfSegment(path: string, at: number): number {
  const slash = path.indexOf('/', at)
  return slash < 0 ? path.length : slash
}

function first<T>(
  routes: readonly Route<T>[],
  byValue: RoutesByValue<T> | null,
  request: RouteRequest,
  best: Route<T> | null,
  tried: Route<T>[] | null,
): Route<T> | null {
  const others = firstOf(routes, request, best, tried)
  const same = byValue === null ? null : byValue.of(request)
  return same === null ? others : firstOf(same, request, others, tried)
}

function firstOf<T>(
  routes: readonly Route<T>[],
  request: RouteRequest,
  best: Route<T> | null,
  tried: Route<T>[] | null,
): Route<T> | null {
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index]!
    if (best !== null && best.rank < route.rank) break
    if (tried !== null) tried.push(route)
    if (route.unconditional || route.accepts(request)) return route
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
    if (route.unconditional || route.accepts(request)) return route
  }
  return best
}
