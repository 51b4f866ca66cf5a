import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, fuzzRequests } from './differential.ts'
import { explain, explanations } from './explanations.ts'
import { NodeVerdicts } from './node-verdict.ts'

// Fixed, so that a red run is red for everybody; `npm run fuzz` takes a new seed each time.
const SEED = 1
const SECONDS = 3

test('H1-H6 H9 H10 H12 every difference from llhttp has a name and a reason', async (context) => {
  const report = await fuzzRequests(SEED, SECONDS)
  context.diagnostic(`${report.cases} cases`)
  assert.deepEqual(report.unexplained, [])
  assert.ok(report.cases >= 500)
})

test('every explained difference exists: its example parts the two parsers for that reason', async () => {
  const node = new NodeVerdicts()
  for (const { name, kind, example } of explanations) {
    const difference = await compare(example, [Buffer.from(example, 'latin1')], node)
    assert.ok(difference !== null, `both agree on: ${name}`)
    assert.deepEqual([difference.kind, explain(difference)], [kind, name])
  }
  node.close()
})
