import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz, replySubject, requestSubject } from './differential.ts'
import { explain } from './explanations.ts'

// Fixed, so that a red run is red for everybody; `npm run fuzz` takes a new seed each time.
const SEED = 1
const SECONDS = 2

for (const subject of [requestSubject(), replySubject()]) {
  test(`H1-H6 H8-H10 H12 ${subject.name}: every difference from llhttp has a name and a reason`, async (context) => {
    const report = await fuzz(subject, SEED, SECONDS)
    context.diagnostic(`${report.cases} cases`)
    assert.deepEqual(report.unexplained, [])
    assert.ok(report.cases >= 500)
  })

  for (const { name, kind, example } of subject.explanations) {
    test(`${subject.name}: the two parsers part for this reason: ${name}`, async () => {
      const difference = await subject.compare(example, [Buffer.from(example, 'latin1')])
      assert.ok(difference !== null, 'both agree')
      assert.deepEqual([difference.kind, explain(difference, subject.explanations)], [kind, name])
    })
  }
}
