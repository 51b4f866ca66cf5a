/** A set of media types: `text/html`, `text/*`, `*+json`. Event streams are in none (W20). */
export class MediaTypes {
  private readonly patterns: ReadonlySet<string>

  /** In lower case. */
  constructor(patterns: readonly string[]) {
    this.patterns = new Set(patterns)
  }

  /** Whether the type of a `Content-Type` is in it. */
  has(contentType: string): boolean {
    const semicolon = contentType.indexOf(';')
    const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
    if (type === '' || type === 'text/event-stream') return false
    const { patterns } = this
    if (patterns.has(type) || patterns.has(`${type.slice(0, type.indexOf('/'))}/*`)) return true
    const plus = type.lastIndexOf('+')
    return plus > 0 && patterns.has(`*${type.slice(plus)}`)
  }
}
