/**
 * A URL or path with `{name}` where a capture goes. Captures come from a normalised path, so they hold
 * no blank, line end, `?` or `#`; what they could still do is begin a host, and that is refused here.
 */
export class LocationTemplate {
  private readonly literals: readonly string[]
  private readonly names: readonly string[]
  /** From which capture on they stand behind a question mark. */
  private readonly firstInQuery: number
  /** Has a query of its own, so the request's is not kept. */
  private readonly hasQuery: boolean

  /** Throws RangeError for what is no URL or path, and for a template that a capture could give a foreign host. */
  constructor(text: string) {
    const shown = JSON.stringify(text)
    // A browser takes a backslash for a slash.
    if (/[^\x21-\x7e]|\\/.test(text)) {
      throw new RangeError(`${shown} holds a blank, a backslash or a character outside ASCII`)
    }
    const origin = /^(?:https?:)?\/\/[^/?#]*/i.exec(text)?.[0] ?? ''
    if (origin === '' && !text.startsWith('/')) {
      throw new RangeError(`${shown} begins neither with http://, https:// nor /`)
    }
    if (origin.includes('{')) {
      throw new RangeError(`${shown} has a capture in its host: whoever writes the request would choose the host`)
    }
    const literals: string[] = []
    const names: string[] = []
    let end = 0
    for (const { 0: whole, 1: name, index } of text.matchAll(/\{([^{}]*)\}/g)) {
      literals.push(text.slice(end, index))
      names.push(name!)
      end = index + whole.length
    }
    literals.push(text.slice(end))
    this.literals = literals
    this.names = names
    const inQuery = literals.findIndex((literal) => literal.includes('?'))
    this.hasQuery = inQuery >= 0
    this.firstInQuery = inQuery >= 0 ? inQuery : names.length
  }

  /** The URL or path with its captures filled in, and `query` (with its question mark) where it has none of its own. */
  expand(captures: ReadonlyMap<string, string>, query: string): string {
    let text = this.literals[0]!
    for (const [index, name] of this.names.entries()) {
      const value = captures.get(name) ?? ''
      text += (index >= this.firstInQuery ? encodeInQuery(value) : value) + this.literals[index + 1]!
    }
    // `/{1}` with a capture that begins with a slash would name a host (RFC 3986 §4.2).
    if (!this.literals[0]!.startsWith('//')) text = text.replace(/^\/{2,}/, '/')
    if (this.hasQuery || query === '') return text
    const hash = text.indexOf('#')
    return hash < 0 ? text + query : text.slice(0, hash) + query + text.slice(hash)
  }
}

/** Only what means something in a query: the rest of a normalised path may stand there. */
function encodeInQuery(value: string): string {
  return value.replace(/[&=+]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
