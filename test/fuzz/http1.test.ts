import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzRequests } from './differential.ts'

test('H1-H6 H9 H10 H12 every difference from llhttp has a name and a reason', async (context) => {
  const seed = Date.now() % 1_000_000_000
  const report = await fuzzRequests(seed, 3)
  context.diagnostic(`${report.cases} cases from seed ${seed}`)
  assert.deepEqual(report.unexplained, [])
  assert.ok(report.cases > 1000)
  // An explanation that nothing needs is out of date.
  for (const [name, count] of report.explained) assert.ok(count > 0, `never met: ${name}`)
})
