import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { loadConfigObject } from '../../src/config/load.ts'

for (const name of ['balancing', 'retries-and-limits']) {
  test(`docs/guide/${name}.md: its config runs as it stands`, async () => {
    const page = readFileSync(new URL(`../../docs/guide/${name}.md`, import.meta.url), 'utf8')
    const [config] = [...page.matchAll(/```yaml\n(listeners:[^]*?)```/g)].map((block) => block[1]!)
    const { warnings } = await loadConfigObject(parse(config!))
    assert.deepEqual(warnings, [])
  })
}

test('docs/guide/balancing.md names every balancer', () => {
  const page = readFileSync(new URL('../../docs/guide/balancing.md', import.meta.url), 'utf8')
  for (const name of ['roundRobin', 'leastConnections', 'random', 'peakEwma', 'hash', 'sticky'])
    assert.match(page, new RegExp(`\\| \`(?:\\{ )?${name}`))
})
