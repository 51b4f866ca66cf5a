import type { ParentRoute } from '../../../engine/dial/parent.ts'
import type { Parents } from '../../../engine/dial/parents.ts'
import type { ForwardConfig } from '../config.ts'
import { NamePatterns } from './name-patterns.ts'
import { isAddress, namesDisagree, Rule } from './rule.ts'
import type { Asked, Verdict } from './verdict.ts'

/** What rules say of one question, and why. */
export interface RuleExplanation {
  verdict: Verdict
  /** Rules before the one that decides, in order, each with what does not hold. */
  losers: { rule: string; reason: string }[]
  /** Rules that another ClientHello could let match, where it has not been read. */
  open: string[]
}

interface Row {
  rule: Rule
  /** Its verdicts, made once: they are only read. By `intercept`, then by `needsHello`. */
  verdicts: readonly [passed: HelloVariants, lookedInto: HelloVariants]
  intercepts: boolean
  denies: boolean
}

type HelloVariants = readonly [without: Verdict, withHello: Verdict]

/** The rules of one config: the first that matches decides, `default` where none does. */
export class RuleTable {
  /** Whether rules ask for addresses: a name is resolved first then. */
  readonly wantsAddresses: boolean
  private readonly rows: readonly Row[]
  private readonly otherwise: Row
  private readonly bypass: NamePatterns
  private readonly names: ReadonlySet<string>

  /** Throws a RangeError for a parent that is not there. */
  constructor(config: Pick<ForwardConfig, 'rules' | 'default' | 'intercept'>, parents: Parents) {
    const fallback = config.default
    const usualWay = wayOf(fallback, null, parents)
    this.rows = config.rules.map((each, index) => {
      const rule = new Rule(each, index)
      const { deny = false, redirectTo = null, intercept = false } = each
      const via = wayOf(each, usualWay, parents)
      return rowOf(rule, { rule: index, name: rule.name, deny, via, redirectTo, intercept, needsHello: false })
    })
    const last = new Rule({ name: 'default', match: {} }, -1)
    const verdict = { rule: -1, name: last.name, deny: fallback.deny === true, via: usualWay }
    this.otherwise = rowOf(last, { ...verdict, redirectTo: null, intercept: false, needsHello: false })
    this.wantsAddresses = this.rows.some(({ rule }) => rule.wantsAddresses)
    this.bypass = new NamePatterns(config.intercept?.bypass ?? [])
    this.names = new Set([...this.rows, this.otherwise].map(({ rule }) => rule.name))
  }

  /** Whether a rule is called so. */
  has(name: string): boolean {
    return this.names.has(name)
  }

  /**
   * With `sni` null it is what would become of a tunnel without a name in its ClientHello; `needsHello` then says
   * whether there are names that would change it. Such a tunnel is opened where at least one name lets it pass.
   */
  decide(asked: Asked): Verdict {
    const unread = asked.sni === null
    let needsHello = false
    let chance: Row | null = null
    for (const row of this.rows) {
      const { rule } = row
      if (!rule.couldMatch(asked)) continue
      if (unread && rule.dependsOnHello) {
        needsHello = true
        // T4: another name than the host's is refused, but by a rule that is there for it.
        if (!row.denies && (isAddress(asked.host) || rule.wantsMismatch)) chance ??= row
      }
      if (rule.helloMatches(asked)) return this.verdictOf(row.denies ? (chance ?? row) : row, asked, needsHello)
    }
    return this.verdictOf(this.otherwise.denies ? (chance ?? this.otherwise) : this.otherwise, asked, needsHello)
  }

  /** Whether its ClientHello names another than its host, and no rule that is there for that has decided (T4). */
  refusesNames(asked: Asked, { rule }: Verdict): boolean {
    return namesDisagree(asked) && this.rows[rule]?.rule.wantsMismatch !== true
  }

  explain(asked: Asked): RuleExplanation {
    const verdict = this.decide(asked)
    const before = verdict.rule < 0 ? this.rows : this.rows.slice(0, verdict.rule)
    const losers = before.map(({ rule }) => ({ rule: rule.name, reason: rule.reasonAgainst(asked) }))
    const open =
      asked.sni !== null
        ? []
        : before.filter(({ rule }) => rule.dependsOnHello && rule.couldMatch(asked)).map(({ rule }) => rule.name)
    return { verdict, losers, open }
  }

  private verdictOf({ verdicts, intercepts }: Row, asked: Asked, needsHello: boolean): Verdict {
    // To look into a tunnel is to read its ClientHello; but nothing of those on the list is looked at.
    const looksIn = intercepts && !this.bypass.has(asked.host) && !this.bypass.has(asked.sni ?? '')
    const hello = asked.sni === null && (needsHello || looksIn)
    return verdicts[looksIn ? 1 : 0][hello ? 1 : 0]
  }
}

function rowOf(rule: Rule, verdict: Verdict): Row {
  const variants = (intercept: boolean): HelloVariants => [
    { ...verdict, intercept, needsHello: false },
    { ...verdict, intercept, needsHello: true },
  ]
  const verdicts = [variants(false), variants(verdict.intercept)] as const
  return { rule, verdicts, intercepts: verdict.intercept, denies: verdict.deny }
}

/** `direct` and `via` say it, or it is the usual one. */
function wayOf(
  { direct, via }: Pick<ForwardConfig['default'], 'direct' | 'via'>,
  usual: ParentRoute | null,
  parents: Parents,
): ParentRoute | null {
  if (direct === true || via === null) return null
  return via === undefined ? usual : parents.route(via)
}
