import type { Config } from './config.ts'
import { lint } from './lint.ts'
import type { Finding } from './source.ts'

type Rule = NonNullable<Config['forward']>['rules'][number]

/** Rules of the forward proxy that do nothing: never reached, or taken back by `intercept.bypass`. */
export function lintRules({ forward }: Config): Finding[] {
  if (forward === undefined) return []
  const { rules, intercept } = forward
  const last = rules.findIndex(catchesAll)
  const unreached = last < 0 ? [] : rules.slice(last + 1)
  const bypass = intercept?.bypass ?? []
  return [
    ...unreached.map((_, index) =>
      lint(['forward', 'rules', last + 1 + index], 'value', `it is never reached: rule ${last + 1} matches everything`),
    ),
    ...rules.flatMap(({ intercept: looksIn, match }, index) => {
      const names = match.sni ?? match.host ?? []
      if (looksIn !== true || names.length === 0 || !names.every((name) => covers(bypass, name))) return []
      return [
        lint(
          ['forward', 'rules', index, 'intercept'],
          'key',
          'nothing is looked into: `forward.intercept.bypass` has its names',
        ),
      ]
    }),
  ]
}

/** Nothing is asked, or nothing that could fail. */
function catchesAll({ match: { host, sni, ...others } }: Rule): boolean {
  return isAnything(host) && isAnything(sni) && Object.values(others).every((value) => value === undefined)
}

function isAnything(names: readonly string[] | undefined): boolean {
  return names === undefined || names.includes('*')
}

function covers(patterns: readonly string[], name: string): boolean {
  return patterns.some(
    (each) => each === '*' || each === name || (each.startsWith('*.') && name.endsWith(each.slice(1))),
  )
}
