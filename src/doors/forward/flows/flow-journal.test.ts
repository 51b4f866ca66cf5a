import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createEngine } from '../../../engine/engine.ts'
import { realWorld } from '../../../engine/real-world.ts'
import { Scope } from '../../../engine/scope.ts'
import { SharedStates } from '../../../engine/shared-states.ts'
import { FlowJournal } from './flow-journal.ts'

const MIB = 1024 * 1024

async function openJournal(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-journal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const told: [message: string, fields: Readonly<Record<string, unknown>>][] = []
  const world = realWorld()
  const services = createEngine({
    world,
    observer: { routed() {}, finished() {} },
    pseudonym: 'test',
    notify: (_level, message, fields) => told.push([message, fields]),
  })
  const faults: unknown[] = []
  const scope = new Scope({
    world,
    ledger: services.ledger,
    states: new SharedStates(),
    onError: (error) => faults.push(error),
  })
  const file = join(folder, 'flows.har')
  const journal = new FlowJournal(file, '1.0.0', 256 * MIB, services, scope)
  await journal.ready
  const written = (): number[] => {
    const har: { log: { entries: { request: { n: number } }[] } } = JSON.parse(readFileSync(file, 'utf8'))
    return har.log.entries.map(({ request }) => request.n)
  }
  const close = async (): Promise<void> => {
    await scope.close()
    assert.deepEqual(faults, [])
    for (const kind of ['flowFiles', 'tasks', 'timers', 'scopes'] as const)
      assert.equal(services.ledger.count(kind), 0, kind)
  }
  return { journal, told, written, close }
}

const item = (n: number, bytes = 1000) => ({
  bytes,
  entry: () => Promise.resolve(JSON.stringify({ request: { n } })),
})

test('all that was added is written before it closes, in order, and its watchers are told of the end', async (t) => {
  const { journal, written, close } = await openJournal(t)
  const seen: string[] = []
  const stop = journal.watch({ flow: (entry) => seen.push(entry), ended: () => seen.push('ended') })
  journal.watch({ flow() {}, ended: () => seen.push('ended') })
  for (let n = 0; n < 500; n++) journal.add(item(n))
  await close()
  const expected = Array.from({ length: 500 }, (_, n) => n)
  assert.deepEqual(written(), expected)
  assert.deepEqual(seen, [...expected.map((n) => JSON.stringify({ request: { n } })), 'ended', 'ended'])
  assert.equal(journal.recent.length, 100)
  stop()
})

test('what the disk is too slow for is left out, and told once', async (t) => {
  const { journal, told, written, close } = await openJournal(t)
  const slow = Promise.withResolvers<string>()
  journal.add({ bytes: 1000, entry: () => slow.promise })
  for (let n = 1; n <= 100; n++) journal.add(item(n, MIB))
  slow.resolve('{"request":{"n":0}}')
  await close()
  assert.ok(written().length >= 31 && written().length <= 33, String(written().length))
  assert.equal(told.length, 1)
  assert.deepEqual([told[0]![0], told[0]![1]['why']], ['flows are not written down', 'the disk is too slow'])
})

test('one that cannot be told takes no other with it', async (t) => {
  const { journal, told, written, close } = await openJournal(t)
  journal.add(item(1))
  journal.add({ bytes: 1, entry: () => Promise.reject(new RangeError('odd')) })
  journal.add(item(2))
  await close()
  assert.deepEqual(written(), [1, 2])
  assert.equal(told[0]![1]['why'], 'RangeError: odd')
})

test('what comes after it has closed is let go of', async (t) => {
  const { journal, written, close } = await openJournal(t)
  await close()
  journal.add(item(1))
  assert.deepEqual(written(), [])
})
