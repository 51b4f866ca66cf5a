import { parsePathPattern } from '../../core/path-pattern.ts'
import type { Pattern } from '../../core/pattern.ts'
import type { MatchConfig } from './config.ts'
import { literalPrefix } from './literal-prefix.ts'
import { normaliseLiteral } from '../../policy/normalise-path.ts'

/** From the most to the least specific. */
export const pathKinds = ['exact', 'parameters', 'regex', 'prefix'] as const
export type PathKind = (typeof pathKinds)[number]

/**
 * Which paths a route is for. It looks at the normalised path without its parameters
 * (`NormalTarget.matchPath`), case-sensitively:
 * `/a` that path alone; `/a/{id}` one segment that is not empty; `/a/**` and `/a/{rest...}` `/a` and
 * everything below; a regular expression whatever it finds itself in.
 */
export class PathMatcher {
  readonly kind: PathKind
  /** As shown to people. */
  readonly text: string
  /** Literal segments, null for a `{name}`; of a regex the whole segments that its literal prefix has. */
  readonly segments: readonly (string | null)[]
  /** What every match of a regex begins with; '' for none. */
  readonly literalPrefix: string
  /** Names of the captures, from left to right; a regex tells its own. */
  private readonly captureNames: readonly string[]
  private readonly hasRest: boolean
  private readonly regex: Pattern | null

  /** Undefined is any path. Throws RangeError for what is no pattern, TurnpikeError for a literal that no path has. */
  constructor(path: MatchConfig['path']) {
    if (typeof path === 'object') {
      this.kind = 'regex'
      this.text = path.regex.source
      this.literalPrefix = literalPrefix(this.text)
      this.segments = this.literalPrefix.split('/').slice(1, -1)
      this.captureNames = []
      this.hasRest = false
      this.regex = path.regex
      return
    }
    const parsed = parsePathPattern(path ?? '/**')
    const last = parsed.segments.at(-1)
    this.hasRest = last?.kind === 'rest'
    this.kind = parsed.subtree || this.hasRest ? 'prefix' : parsed.captures.length > 0 ? 'parameters' : 'exact'
    this.text = path ?? ''
    this.segments = (this.hasRest ? parsed.segments.slice(0, -1) : parsed.segments).map((segment) =>
      segment.kind === 'literal' ? normaliseLiteral(segment.text) : null,
    )
    this.literalPrefix = ''
    this.captureNames = parsed.captures
    this.regex = null
  }

  /** Whether it matches every path. */
  get isAny(): boolean {
    return this.kind === 'prefix' && this.segments.length === 0
  }

  /** Whether the path is one of these. */
  matches(path: string): boolean {
    // `*` of `OPTIONS *` is no path: only a route for every path takes it.
    if (path === '*') return this.isAny
    if (this.regex !== null) return this.matchesRegex(path)
    let at = 1
    for (const wanted of this.segments) {
      if (at > path.length) return false
      const slash = path.indexOf('/', at)
      const end = slash < 0 ? path.length : slash
      if (wanted === null ? end === at : end - at !== wanted.length || !path.startsWith(wanted, at)) return false
      at = end + 1
    }
    return this.kind === 'prefix' || at > path.length
  }

  /** Whether the regex finds itself in the path. Its literal prefix is tried first: a hundredth of the time. */
  matchesRegex(path: string): boolean {
    return path.startsWith(this.literalPrefix) && this.regex!.test(path)
  }

  /** Whether every path of `other` is one of these. Of a regex it can be told only for itself. */
  covers(other: PathMatcher): boolean {
    if (this.regex !== null || other.regex !== null) {
      return this.text === other.text ? this.kind === other.kind : this.isAny
    }
    if (this.kind !== 'prefix' && (other.kind === 'prefix' || other.segments.length !== this.segments.length))
      return false
    if (other.segments.length < this.segments.length) return false
    return this.segments.every((wanted, index) => {
      const segment = other.segments[index]
      // `{name}` takes no empty segment, which `/a/` ends in.
      return wanted === null ? segment !== '' : segment === wanted
    })
  }

  /** What the names stand for in a path that matches; the groups of a regex by name and number. */
  captures(path: string): ReadonlyMap<string, string> {
    const captures = new Map<string, string>()
    if (this.regex !== null) return this.regex.captures(path) ?? captures
    const received = path.slice(1).split('/')
    let next = 0
    for (const [index, segment] of this.segments.entries()) {
      if (segment === null) captures.set(this.captureNames[next++]!, received[index] ?? '')
    }
    if (this.hasRest) captures.set(this.captureNames[next]!, received.slice(this.segments.length).join('/'))
    return captures
  }
}
