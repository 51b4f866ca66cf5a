import { pathKinds } from './path-matcher.ts'
import type { Route } from './route.ts'

interface Criterion {
  /** Below zero where `a` wins, above where `b` does, zero where the next criterion decides. */
  compare(a: Route, b: Route): number
  /** What a route has to show under it, for people. */
  describe(route: Route): string
}

/**
 * The one order in which routes win when several match (docs/guide/routing.md says it in words): the
 * first criterion that tells two routes apart decides.
 */
const criteria: readonly Criterion[] = [
  {
    compare: (a, b) => b.priority - a.priority,
    describe: (route) => `priority ${route.priority}`,
  },
  {
    compare: (a, b) => b.host.rank - a.host.rank,
    describe: ({ host }) => (host.name === '' ? 'any host' : host.wildcard ? `wildcard ${host.text}` : 'exact host'),
  },
  {
    compare: (a, b) => pathKinds.indexOf(a.path.kind) - pathKinds.indexOf(b.path.kind),
    describe: (route) => route.path.kind,
  },
  {
    compare: compareSegments,
    describe: (route) => `path ${route.path.text || '/**'}`,
  },
  {
    compare: (a, b) => b.conditions.length - a.conditions.length,
    describe: ({ conditions }) => `${conditions.length} condition${conditions.length === 1 ? '' : 's'}`,
  },
  {
    compare: (a, b) => a.position - b.position,
    describe: (route) => `position ${route.position + 1}`,
  },
]

/** Below zero where `a` wins over `b` if both match. Never zero for two routes of one config. */
export function compareSpecificity(a: Route, b: Route): number {
  for (const criterion of criteria) {
    const order = criterion.compare(a, b)
    if (order !== 0) return order
  }
  return 0
}

/** Why `winner` wins over `loser`: what tells them apart, the loser's first, as in `prefix vs exact`. */
export function whyLess(loser: Route, winner: Route): string {
  const criterion = criteria.find((each) => each.compare(winner, loser) !== 0) ?? criteria.at(-1)!
  return `${criterion.describe(loser)} vs ${criterion.describe(winner)}`
}

/** From left to right, a literal before a `{name}`, and a longer pattern before its beginning. Not for regexes. */
function compareSegments(a: Route, b: Route): number {
  if (a.path.kind === 'regex') return 0
  const [left, right] = [a.path.segments, b.path.segments]
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index++) {
    const order = Number(left[index] === null) - Number(right[index] === null)
    if (order !== 0) return order
  }
  return right.length - left.length
}
