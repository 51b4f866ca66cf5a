import type { Pattern } from '../../core/pattern.ts'
import type { MatchConfig } from './config.ts'

/** What routing asks of a request. Everything is normalised already. */
export interface RouteRequest {
  /** Name of the listener that it came in by. */
  readonly listener: string
  /** Lower case, without port and trailing dot; '' for none. */
  readonly host: string
  readonly method: string
  /** `NormalTarget.matchPath`. */
  readonly path: string
  /** `NormalTarget.laxPath`. */
  readonly laxPath: string
  /** Value of a header field (lower-case name), several joined with `, `; undefined without one. */
  header(name: string): string | undefined
  /** Value of a query parameter, decoded, several joined with `, `; undefined without one. */
  query(name: string): string | undefined
}

/** Something besides host and path that a route asks for. */
export interface Condition {
  readonly kind: 'listener' | 'methods' | 'header' | 'query'
  holds(request: RouteRequest): boolean
  /** Why it does not hold, for people. */
  reason(request: RouteRequest): string
  /** Whether it holds wherever `other` does. */
  covers(other: Condition): boolean
}

/** The conditions of a route, those first that cost least. */
export function compileConditions(match: MatchConfig): Condition[] {
  const conditions: Condition[] = []
  if (match.listener !== undefined) conditions.push(new ListenerCondition(match.listener))
  if (match.methods !== undefined) conditions.push(new MethodsCondition(match.methods))
  for (const [name, wanted] of Object.entries(match.headers ?? {})) {
    conditions.push(new ValueCondition('header', name.toLowerCase(), wanted))
  }
  for (const [name, wanted] of Object.entries(match.query ?? {})) {
    conditions.push(new ValueCondition('query', name, wanted))
  }
  return conditions
}

class ListenerCondition implements Condition {
  readonly kind = 'listener'
  private readonly listener: string

  constructor(listener: string) {
    this.listener = listener
  }

  holds(request: RouteRequest): boolean {
    return request.listener === this.listener
  }

  reason(request: RouteRequest): string {
    return `listener ${request.listener || '(none)'} is not ${this.listener}`
  }

  covers(other: Condition): boolean {
    return other instanceof ListenerCondition && other.listener === this.listener
  }
}

/** One of some methods. */
export class MethodsCondition implements Condition {
  readonly kind = 'methods'
  /** As an Allow field lists them. */
  readonly methods: readonly string[]

  constructor(methods: readonly string[]) {
    // Where GET is served, so is HEAD (RFC 9110 §9.3.2 makes it GET without the content).
    this.methods = methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods
  }

  holds(request: RouteRequest): boolean {
    return this.methods.includes(request.method)
  }

  reason(request: RouteRequest): string {
    return `method ${request.method} not in [${this.methods.join(', ')}]`
  }

  covers(other: Condition): boolean {
    return other instanceof MethodsCondition && other.methods.every((method) => this.methods.includes(method))
  }
}

/** A value of a header field or a query parameter. */
export class ValueCondition implements Condition {
  readonly kind: 'header' | 'query'
  /** A header field's is in lower case. */
  readonly name: string
  private readonly wanted: string | { regex: Pattern }

  constructor(kind: 'header' | 'query', name: string, wanted: string | { regex: Pattern }) {
    this.kind = kind
    this.name = name
    this.wanted = wanted
  }

  holds(request: RouteRequest): boolean {
    const value = this.valueIn(request)
    if (value === undefined) return false
    return typeof this.wanted === 'string' ? value === this.wanted : this.wanted.regex.test(value)
  }

  reason(request: RouteRequest): string {
    const value = this.valueIn(request)
    const found = value === undefined ? 'absent' : JSON.stringify(value)
    return `${this.kind} ${this.name} is ${found}, wants ${this.text}`
  }

  covers(other: Condition): boolean {
    return (
      other instanceof ValueCondition &&
      other.kind === this.kind &&
      other.name === this.name &&
      sameValue(this.wanted, other.wanted)
    )
  }

  /** The one value that it asks for; undefined where it is a regular expression. */
  get exact(): string | undefined {
    return typeof this.wanted === 'string' ? this.wanted : undefined
  }

  private get text(): string {
    return typeof this.wanted === 'string' ? JSON.stringify(this.wanted) : `/${this.wanted.regex.source}/`
  }

  /** What it looks at. */
  valueIn(request: RouteRequest): string | undefined {
    return this.kind === 'header' ? request.header(this.name) : request.query(this.name)
  }
}

function sameValue(a: string | { regex: Pattern }, b: string | { regex: Pattern }): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : a.regex.source === b.regex.source
}
