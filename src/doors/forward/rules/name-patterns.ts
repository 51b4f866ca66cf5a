import { canonicalHost } from '../../../core/canonical-host.ts'

/** Names and addresses as rules ask for them: `a.example`, `*.a.example` (what is below it, not itself), an address, `*`. */
export class NamePatterns {
  private readonly any: boolean
  private readonly exact: ReadonlySet<string>
  /** Without `*.`. */
  private readonly domains: ReadonlySet<string>

  constructor(patterns: readonly string[]) {
    this.any = patterns.includes('*')
    this.exact = new Set(patterns.filter((each) => !each.startsWith('*')).map((each) => canonicalHost(each) ?? each))
    this.domains = new Set(patterns.filter((each) => each.startsWith('*.')).map((each) => each.slice(2)))
  }

  /** `name`: a name or an address as `canonicalHost` has it. */
  has(name: string): boolean {
    if (this.any || this.exact.has(name)) return true
    if (this.domains.size === 0) return false
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      if (this.domains.has(name.slice(dot + 1))) return true
    }
    return false
  }
}
