interface Named {
  second: string
  text: string
}

/** More than any config names at a time; names of former configs are forgotten with the rest. */
const LIMIT = 32_768

/**
 * Texts made from two names of the config, the last one for each first name. Its strings are the
 * config's own, so a look-up hashes nothing; a thousand routes in turn would miss in a TextCache.
 */
export class NameTexts {
  private readonly known = new Map<string, Named>()
  private readonly make: (first: string, second: string) => string

  constructor(make: (first: string, second: string) => string) {
    this.make = make
  }

  get(first: string, second: string): string {
    const named = this.known.get(first)
    if (named !== undefined && named.second === second) return named.text
    const text = this.make(first, second)
    if (named === undefined) {
      if (this.known.size === LIMIT) this.known.clear()
      this.known.set(first, { second, text })
    } else {
      named.second = second
      named.text = text
    }
    return text
  }
}
