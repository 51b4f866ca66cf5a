import { renderPath, type Path } from './errors.ts'
import type { Finding, Part } from './source.ts'
import { treeOf, type Tree } from './tree.ts'

const actions = ['direct', 'via', 'deny', 'redirectTo', 'splice', 'intercept', 'use'] as const

/** What the keys of the forward proxy's rules say of one another, in an unchecked config: actions that exclude or need each other, names that are taken. */
export function findRuleReferences(data: unknown): Finding[] {
  const forward = treeOf(treeOf(data)['forward'])
  const rules = Array.isArray(forward['rules']) ? forward['rules'].map(treeOf) : []
  const findings: Finding[] = []
  const report = (path: Path, message: string, part: Part = 'value', code: Finding['code'] = 'ERR_CONFIG_INVALID') =>
    findings.push({ path, part, code, message: `${renderPath(path)}: ${message}` })

  const exclude = (path: Path, rule: Tree, keys: readonly string[]): void => {
    const [first, second] = keys.filter((key) => rule[key] !== undefined)
    if (first === undefined || second === undefined) return
    report([...path, second], `\`${first}\` stands here already: a rule does one of the two`, 'key')
  }

  const names = new Set<unknown>()
  for (const [index, rule] of rules.entries()) {
    const path: Path = ['forward', 'rules', index]
    if (actions.every((key) => rule[key] === undefined))
      report(path, `it does nothing: one of ${actions.map((key) => `\`${key}\``).join(', ')} is needed`)
    if (rule['deny'] === undefined) {
      exclude(path, rule, ['direct', 'via'])
      exclude(path, rule, ['splice', 'intercept'])
    } else {
      for (const key of ['direct', 'via', 'redirectTo', 'splice', 'intercept']) exclude(path, rule, ['deny', key])
    }
    if (rule['intercept'] === true && forward['intercept'] === undefined)
      report([...path, 'intercept'], 'there is no `forward.intercept` block', 'key', 'ERR_CONFIG_REFERENCE')
    const { name } = rule
    if (typeof name !== 'string') continue
    if (name === 'default') report([...path, 'name'], '"default" is what happens where no rule matches')
    if (names.has(name)) report([...path, 'name'], `another rule is called ${JSON.stringify(name)} too`)
    names.add(name)
  }
  exclude(['forward', 'default'], treeOf(forward['default']), ['direct', 'via'])
  return findings
}
