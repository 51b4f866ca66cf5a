import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { machine } from './machine.ts'
import type { Section } from './section.ts'
import { table } from './table.ts'
import type { Target } from './target.ts'

const file = path.join(import.meta.dirname, 'RESULTS.md')

/** A section as it is printed and kept. */
export function sectionText(section: Section): string {
  return [`## ${section.title}`, section.note, section.body, targetsText(section.targets)].filter(Boolean).join('\n\n')
}

function targetsText(targets: readonly Target[]): string {
  if (targets.length === 0) return ''
  return table(
    ['target', 'wanted', 'measured', ''],
    targets.map(({ what, wanted, measured, met }) => [what, wanted, measured, met ? 'met' : 'MISSED']),
  )
}

/** Puts sections into RESULTS.md in place of those of the same title; others stay as they were measured. */
export function writeResults(sections: readonly Section[], command: string): void {
  const date = new Date().toISOString().slice(0, 10)
  const old = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split(/^(?=## )/m)
        .slice(1)
    : []
  const kept = new Map(old.map((text) => [text.split('\n', 1)[0]!, text.trimEnd()]))
  for (const section of sections) {
    const text = sectionText(section).split('\n')
    text.splice(2, 0, `\`${command}\`, ${date}, on ${machine()}.`, '')
    kept.set(`## ${section.title}`, text.join('\n'))
  }
  const head = `# Results

Measured by \`npm run bench\` (see [README.md](README.md)): the proxy alone on core 0, load generator and origin on core 1,
every contender with its access log on and upstream keep-alive. Compare within a table, not between machines.`
  writeFileSync(file, `${[head, ...kept.values()].join('\n\n')}\n`)
}
