import type { Finding, MemberMeasurement, Replay } from './chain-report.ts'

/** What only a download through the chain shows. */
export function lintReplay(replayed: Replay, measurements: readonly MemberMeasurement[]): Finding[] {
  const { module, query, succeeds, steps } = replayed
  const findings: Finding[] = []
  if (!succeeds)
    findings.push({
      level: 'problem',
      code: 'download-fails',
      about: `${module}@${query}`,
      text: `The go command would not get it. ${steps.at(-1)?.consequence ?? ''}`.trim(),
      advice: 'The replay shows who said what.',
    })
  const byGit = steps.some(({ member, outcome }) => member === 'direct' && outcome === 'found')
  const askedBefore = new Set(steps.map(({ member }) => member))
  const told = measurements.filter(({ member, isPublic }) => isPublic === true && askedBefore.has(member))
  if (byGit && told.length > 0)
    findings.push({
      level: 'problem',
      code: 'name-leaks',
      about: module,
      text: `Only git has it, and ${told.map(({ member }) => member).join(' and ')} heard its name first.`,
      advice: `Where it is private, set GOPRIVATE to a prefix of it, such as ${module.split('/').slice(0, 2).join('/')}.`,
    })
  return findings
}
