import { RE2JS } from 're2js'

/** A regular expression in RE2's syntax: time linear in the text, whatever the expression and the text are. */
export class Pattern {
  readonly source: string
  /** Names of its named groups. */
  readonly groups: readonly string[]
  /** How many groups it has, named ones included. */
  readonly groupCount: number
  private readonly compiled: RE2JS

  /** Throws a RangeError that says what is wrong with the source. */
  constructor(source: string) {
    this.source = source
    try {
      this.compiled = RE2JS.compile(source)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new RangeError(message.replace(/^error parsing regexp: /, ''), { cause: error })
    }
    this.groupCount = this.compiled.groupCount()
    this.groups = Object.keys(this.compiled.namedGroups())
  }

  /** Whether it matches somewhere in the text. */
  test(text: string): boolean {
    return this.compiled.test(text)
  }

  /** Named and numbered groups of the first match, or null without one. */
  captures(text: string): Map<string, string> | null {
    const matcher = this.compiled.matcher(text)
    if (!matcher.find()) return null
    const captures = new Map<string, string>()
    for (let group = 1; group <= matcher.groupCount(); group++) captures.set(String(group), matcher.group(group) ?? '')
    for (const name of this.groups) captures.set(name, matcher.group(name) ?? '')
    return captures
  }

  toJSON(): string {
    return this.source
  }
}
