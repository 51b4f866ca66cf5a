import { ValueCondition, type RouteRequest } from './condition.ts'
import type { Route } from './route.ts'

/** From how many routes with one host and path on it pays to look values up. */
const manyRoutes = 8

/**
 * Routes that share host and path and ask for different values of one header field or query
 * parameter, as for a thousand tenants: found by the value instead of one after the other.
 */
export class RoutesByValue<T> {
  private readonly field: ValueCondition
  private readonly byValue: ReadonlyMap<string, readonly Route<T>[]>

  private constructor(field: ValueCondition, routes: readonly Route<T>[]) {
    this.field = field
    this.byValue = Map.groupBy(routes, (route) => exactValue(route, field)!)
  }

  /** Takes such routes out of a list, where there are enough: the others, and those by value. */
  static split<T>(routes: Route<T>[]): [others: Route<T>[], byValue: RoutesByValue<T> | null] {
    if (routes.length < manyRoutes) return [routes, null]
    const fields = routes.flatMap(({ conditions }) =>
      conditions.flatMap((condition) =>
        condition instanceof ValueCondition && condition.exact !== undefined ? [condition] : [],
      ),
    )
    const byField = Map.groupBy(fields, ({ kind, name }) => `${kind} ${name}`)
    const [most] = [...byField.values()].toSorted((a, b) => b.length - a.length)
    if (most === undefined || most.length < manyRoutes) return [routes, null]
    const field = most[0]!
    const { others = [], same = [] } = Object.groupBy(routes, (route) =>
      exactValue(route, field) === undefined ? 'others' : 'same',
    )
    return [others, new RoutesByValue(field, same)]
  }

  /** The routes that ask for the value that a request has, in order of rank; null where none does. */
  of(request: RouteRequest): readonly Route<T>[] | null {
    const value = this.field.valueIn(request)
    return value === undefined ? null : (this.byValue.get(value) ?? null)
  }
}

function exactValue(route: Route, field: ValueCondition): string | undefined {
  for (const condition of route.conditions) {
    if (condition instanceof ValueCondition && condition.kind === field.kind && condition.name === field.name) {
      return condition.exact
    }
  }
  return undefined
}
