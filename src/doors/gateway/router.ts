import { finish, type Steps } from '../../core/steps.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { MethodsCondition, type RouteRequest } from './condition.ts'
import { explainLoser, type Explanation, type Loser } from './explanation.ts'
import { Route, type RouteSpec } from './route.ts'
import { RouteTrie } from './route-trie.ts'
import { compareSpecificity } from './specificity.ts'
import { TextTable } from './text-table.ts'

/** Why no route serves a request. */
export interface NoRoute {
  /** Tells it from `Route`. */
  readonly found: false
  /**
   * ERR_NO_ROUTE; ERR_METHOD_NOT_ALLOWED where the method alone was wrong; ERR_PATH where an origin that
   * takes `%2F` for a slash would read a path that is for a more specific route.
   */
  readonly code: Extract<ErrorCode, 'ERR_NO_ROUTE' | 'ERR_METHOD_NOT_ALLOWED' | 'ERR_PATH'>
  /** Methods that would be served, for Allow; empty but with ERR_METHOD_NOT_ALLOWED. */
  readonly allow: readonly string[]
}

/** The route itself where there is one, so that finding it allocates nothing. */
export type MatchResult<T> = Route<T> | NoRoute

/** Finds the one route that serves a request. Immutable: a new config makes a new one. */
export class Router<T> {
  /** In the order in which they win. */
  readonly routes: readonly Route<T>[]
  private readonly exactHosts: TextTable<RouteTrie<T>>
  /** By what follows the star, with its dot; null where there is none. */
  private readonly wildcards: TextTable<RouteTrie<T>> | null
  private readonly anyHost: RouteTrie<T>

  private constructor(
    routes: readonly Route<T>[],
    exactHosts: TextTable<RouteTrie<T>>,
    wildcards: TextTable<RouteTrie<T>> | null,
    anyHost: RouteTrie<T>,
  ) {
    this.routes = routes
    this.exactHosts = exactHosts
    this.wildcards = wildcards
    this.anyHost = anyHost
  }

  /**
   * `target` says what a matched route carries: called once a route, in the order of the config.
   * Throws RangeError for a path pattern and TurnpikeError for a path literal that cannot be.
   */
  static compile<S extends RouteSpec, T>(specs: readonly S[], target: (spec: S) => T): Router<T> {
    return finish(Router.compiling(specs, target))
  }

  /** `compile` in steps, so that thousands of routes do not hold up what is being served (W15). */
  static *compiling<S extends RouteSpec, T>(specs: readonly S[], target: (spec: S) => T): Steps<Router<T>> {
    const routes: Route<T>[] = []
    for (const [position, spec] of specs.entries()) {
      routes.push(new Route(spec, position, target(spec)))
      yield
    }
    routes.sort(compareSpecificity)
    yield
    for (const [rank, route] of routes.entries()) route.rank = rank
    const kinds = Map.groupBy(routes, ({ host }) => (host.name === '' ? 'any' : host.wildcard ? 'wildcard' : 'exact'))
    const exact = yield* triesByName(kinds.get('exact') ?? [])
    const wildcards = kinds.has('wildcard') ? yield* triesByName(kinds.get('wildcard')!) : null
    return new Router(routes, exact, wildcards, yield* RouteTrie.building(kinds.get('any') ?? []))
  }

  /** The most specific route that serves it, or why there is none. Allocates only in the latter case. */
  match(request: RouteRequest): MatchResult<T> {
    const route = this.find(request, request.path, null)
    if (route === null) return this.miss(request)
    if (request.laxPath !== '') {
      const lax = this.find(request, request.laxPath, null)
      if (lax !== null && lax.rank < route.rank) return { found: false, code: 'ERR_PATH', allow: [] }
    }
    return route
  }

  /** `match`, with its reasons: why the winner's rivals lost. Takes time with the number of routes. */
  explain(request: RouteRequest): Explanation<T> {
    const result = this.match(request)
    const winner = result.found ? result : null
    const losers: Loser<T>[] = []
    for (const route of this.routes) {
      const loser = route === winner ? null : explainLoser(route, winner, request)
      if (loser !== null) losers.push(loser)
    }
    return { winner, refusal: result.found ? null : result, losers: losers.toSorted((a, b) => b.nearness - a.nearness) }
  }

  /** The route of lowest rank for a path. Routes whose conditions were looked at go into `tried`. */
  private find(request: RouteRequest, path: string, tried: Route<T>[] | null): Route<T> | null {
    const { host } = request
    const exact = this.exactHosts.get(host, 0, host.length)
    let best: Route<T> | null = exact === null ? null : exact.find(request, path, null, tried)
    if (this.wildcards !== null) {
      // From the longest suffix to the shortest; the first label is the star's.
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const wildcard = this.wildcards.get(host, dot, host.length)
        if (wildcard !== null) best = wildcard.find(request, path, best, tried)
      }
    }
    return this.anyHost.find(request, path, best, tried)
  }

  private miss(request: RouteRequest): NoRoute {
    const tried: Route<T>[] = []
    this.find(request, request.path, tried)
    const allow = new Set<string>()
    for (const { conditions } of tried) {
      const others = conditions.filter((condition) => !(condition instanceof MethodsCondition))
      if (!others.every((condition) => condition.holds(request))) continue
      for (const condition of conditions) {
        if (condition instanceof MethodsCondition) for (const method of condition.methods) allow.add(method)
      }
    }
    return { found: false, code: allow.size > 0 ? 'ERR_METHOD_NOT_ALLOWED' : 'ERR_NO_ROUTE', allow: [...allow] }
  }
}

function* triesByName<T>(routes: readonly Route<T>[]): Steps<TextTable<RouteTrie<T>>> {
  const tries: [string, RouteTrie<T>][] = []
  for (const [name, group] of Map.groupBy(routes, ({ host }) => host.name)) {
    tries.push([name, yield* RouteTrie.building(group)])
  }
  return yield* TextTable.building(tries)
}
