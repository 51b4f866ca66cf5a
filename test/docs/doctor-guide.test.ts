import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const guide = readFileSync(new URL('../../docs/guide/doctor.md', import.meta.url), 'utf8')

function rows(part: string, level: string): string[] {
  return Array.from(part.matchAll(/^\| `([a-z0-9-]+)` /gm), ([, code]) => `${level} ${code}`)
}

test('the guide has every code of the doctor, at its level, and no other', () => {
  const folder = new URL('../../src/doors/goproxy/doctor/', import.meta.url).pathname
  const sources = globSync(`${folder}*.ts`, { exclude: (name) => name.endsWith('.test.ts') })
  const known = sources.flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const objects = text.matchAll(/level: '(problem|advice)'(?: as const)?,\s*code: (?:login \? )?'([\w-]+)'(?: : '([\w-]+)')?/g)
    return [...objects].flatMap(([, level, ...codes]) => codes.filter(Boolean).map((code) => `${level} ${code}`))
  })
  assert.ok(known.length > 20)
  const [problems = '', advice = ''] = guide.split('\nAdvice:\n')
  const told = [...rows(problems, 'problem'), ...rows(advice, 'advice')]
  assert.deepEqual(told.toSorted(), [...new Set(known)].toSorted())
})
