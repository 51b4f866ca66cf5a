import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { OwnSumdb } from '../../src/doors/goproxy/trust/own-sumdb.ts'
import { recordHashes } from '../../src/gomod/sumdb/sum-record.ts'
import { SumdbClient } from '../../src/gomod/sumdb/sumdb-client.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { testScope } from '../support/goproxy/test-scope.ts'

const writer = fileURLToPath(new URL('../support/goproxy/log-writer.ts', import.meta.url))
const NAME = 'sum.corp.example'
const ROUNDS = 6

/** Runs until it has logged some and a moment more, then is killed. The numbers that it said were logged. */
async function appendAndKill(path: string, module: string, first: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, path, NAME, module, String(first)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  await delay(Math.random() * 80)
  child.kill('SIGKILL')
  const [, signal]: (string | null)[] = await closed
  assert.equal(signal, 'SIGKILL', errors)
  assert.equal(errors, '')
  return said.split('\n').slice(0, -1).map(Number)
}

test('G26 kill -9 of processes that append to one log: what was logged is there, and its history is one', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'own-sumdb-crash-'))
  t.after(() => rm(path, { recursive: true }))
  const { services, scope } = testScope(t)
  const { documents } = await openTestStore(t, { disk: { path } }, [], { services, scope })
  const database = new OwnSumdb({ name: NAME, key: null, scope, documents, hashes: async () => null })
  const verifierKey = await database.verifierKey()
  let latest: Buffer | null = null
  /** Knows every head that it ever saw, and nothing else. */
  const watch = (): SumdbClient =>
    new SumdbClient(verifierKey, {
      remote: async (asked) => (await database.serve(asked, scope.signal)).bytes,
      readCache: async () => null,
      writeCache: async () => {},
      readLatest: async () => latest,
      writeLatest: async (_old, newest) => (latest = newest).length > 0,
    })
  const next = [1, 1]
  const logged: [module: string, number: number][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const said = await Promise.all(
      ['corp.example/a', 'corp.example/b'].map((module, at) => appendAndKill(path, module, next[at]!)),
    )
    for (const [at, numbers] of said.entries()) {
      assert.ok(numbers.length > 0)
      logged.push(...numbers.map((each): [string, number] => [at === 0 ? 'corp.example/a' : 'corp.example/b', each]))
      // What was not said may be logged all the same: it is added again, with the same hashes.
      next[at] = Math.max(...numbers) + 1
    }
    const client = watch()
    for (const [module, number] of logged) {
      const { text } = await client.lookup(`${module}@v0.0.${number}`)
      const hashes = recordHashes(text, module, `v0.0.${number}`)
      assert.deepEqual(hashes, { zip: `h1:zip${number}=`, mod: `h1:mod${number}=` })
    }
  }
  const head = await watch().head()
  assert.ok(head!.size >= logged.length && head!.size <= logged.length + 6 * ROUNDS)
})
