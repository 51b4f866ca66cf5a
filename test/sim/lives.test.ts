import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runLife } from './lives.ts'

const LIVES = Number(process.env['SIM_LIVES'] ?? 10_000)
const FIRST_SEED = Number(process.env['SIM_SEED'] ?? 1)
const SHOWN = 5

/** Each of these must come about now and then, else the lives show nothing. */
const wanted = [
  'reply',
  'partial',
  'none',
  'switched',
  'ERR_UPSTREAM_CLOSED',
  'ERR_UPSTREAM_HEAD',
  'ERR_UPSTREAM_FRAMING',
  'ERR_UPSTREAM_UPGRADE',
  'ERR_FIRST_BYTE_TIMEOUT',
  'ERR_CONNECT_REFUSED',
  'ERR_CONNECT_TIMEOUT',
  'ERR_CONNECT_FAILED',
  'ERR_DESCRIPTORS',
  'ERR_DNS',
  'ERR_DNS_TIMEOUT',
  'ERR_POOL_EXHAUSTED',
  'ERR_HEAD_TIMEOUT',
  'ERR_BODY_TIMEOUT',
  'ERR_CHUNK',
  'ERR_FRAMING',
  'ERR_QUEUE_FULL',
  'ERR_QUEUE_TIMEOUT',
  'ERR_TRY_TIMEOUT',
  'ERR_TOTAL_TIMEOUT',
  'ERR_CIRCUIT_OPEN',
]

test(`H7 H12 H19 H20 H21 H25 ${LIVES} seeded lives of connections: one reply a request, no byte of one exchange in another, nothing left`, async () => {
  // Stack traces cost time, and nobody reads them here; a replay has them.
  Error.stackTraceLimit = 0
  const failures: string[] = []
  const outcomes = new Map<string, number>()
  for (let seed = FIRST_SEED; seed < FIRST_SEED + LIVES && failures.length < SHOWN; seed++) {
    const verdict = await runLife(seed)
    for (const [outcome, count] of verdict.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count)
    if (verdict.violations.length > 0)
      failures.push(`node test/sim/replay.ts ${seed}\n  ${verdict.violations.join('\n  ')}`)
  }
  assert.equal(failures.length, 0, `\n${failures.join('\n')}`)
  if (LIVES < 10_000) return
  for (const outcome of wanted) assert.ok((outcomes.get(outcome) ?? 0) > 0, `no life came to ${outcome}`)
})
