/** Origins that a config names: exact ones, and those below a domain. */
export class OriginSet {
  /** Every origin is one of these. */
  readonly all: boolean
  private readonly exact: ReadonlySet<string>
  private readonly below: readonly { start: string; end: string }[]

  /** As the config has them: `*`, `https://a.example`, `https://*.a.example`. */
  constructor(origins: readonly string[]) {
    this.all = origins.includes('*')
    this.exact = new Set(origins)
    this.below = origins
      .filter((origin) => origin.includes('://*.'))
      .map((origin) => ({ start: origin.slice(0, origin.indexOf('*')), end: origin.slice(origin.indexOf('*') + 1) }))
  }

  /** Whether the value of an `Origin` field is one of these. */
  allows(origin: string): boolean {
    if (this.all || this.exact.has(origin)) return true
    return this.below.some(({ start, end }) => {
      if (!origin.startsWith(start) || !origin.endsWith(end)) return false
      // Labels alone: `https://evil.test/.a.example` is another host.
      return labels.test(origin.slice(start.length, -end.length))
    })
  }
}

const labels = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
