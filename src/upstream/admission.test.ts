import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from '../engine/ledger.ts'
import { Admission, type Applicant } from './admission.ts'

const options = { maxInFlight: 2, queue: 3, queueTimeout: 1_000 }

test('lets so many in, queues so many, turns the rest away; first come, first served', () => {
  const ledger = new Ledger()
  const admission = new Admission(options, ledger)
  const order: number[] = []
  const applicants = Array.from({ length: 6 }, (_, at) => ({ queuedAt: at, admitted: () => void order.push(at) }))
  const answers = applicants.map((each) => admission.enter(each))
  assert.deepEqual(answers, ['admitted', 'admitted', 'queued', 'queued', 'queued', 'full'])
  assert.deepEqual([admission.inFlight, admission.queued, admission.oldest], [2, 3, 2])
  assert.equal(ledger.count('queuedExchanges'), 3)
  admission.withdraw(applicants[3]!)
  admission.withdraw(applicants[3]!)
  admission.leave()
  admission.leave()
  assert.deepEqual(order, [2, 4])
  admission.leave()
  admission.leave()
  assert.deepEqual([admission.inFlight, admission.queued, admission.oldest], [0, 0, undefined])
  assert.equal(ledger.count('queuedExchanges'), 0)
})

test('a long queue whose members fail at once is worked off without going deeper', () => {
  const admission = new Admission({ maxInFlight: 1, queue: 100_000, queueTimeout: 1_000 }, new Ledger())
  let done = 0
  const hopeless = (): Applicant => ({
    queuedAt: 0,
    admitted() {
      done++
      admission.leave()
    },
  })
  admission.enter(hopeless())
  for (let at = 0; at < 50_000; at++) admission.enter(hopeless())
  admission.leave()
  assert.deepEqual([done, admission.inFlight, admission.queued], [50_000, 0, 0])
})
