import { compileConditions, type Condition, type RouteRequest } from './condition.ts'
import type { RouteConfig } from './config.ts'
import { HostPattern } from './host-pattern.ts'
import { PathMatcher } from './path-matcher.ts'

/** What routing needs of a route's config. */
export type RouteSpec = Pick<RouteConfig, 'name' | 'priority' | 'match'>

/** A route ready to be matched, with whatever serves it. */
export class Route<T = unknown> {
  /** Tells it from `NoRoute`. */
  readonly found = true
  readonly name: string
  readonly target: T
  readonly priority: number
  readonly host: HostPattern
  readonly path: PathMatcher
  readonly conditions: readonly Condition[]
  /** Has none. */
  readonly unconditional: boolean
  /** Position in the config, from 0. */
  readonly position: number
  /** Position among all routes in the order in which they win, from 0. Set by the router. */
  rank = 0

  constructor(spec: RouteSpec, position: number, target: T) {
    this.name = spec.name
    this.target = target
    this.priority = spec.priority
    this.host = new HostPattern(spec.match.host)
    this.path = new PathMatcher(spec.match.path)
    this.conditions = compileConditions(spec.match)
    this.unconditional = this.conditions.length === 0
    this.position = position
  }

  /** Whether its conditions besides host and path hold. */
  accepts(request: RouteRequest): boolean {
    const conditions = this.conditions
    for (let index = 0; index < conditions.length; index++) if (!conditions[index]!.holds(request)) return false
    return true
  }
}
