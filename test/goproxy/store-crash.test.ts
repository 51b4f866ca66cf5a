import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { keep, zipBytes } from '../contracts/module-store.ts'

const writer = fileURLToPath(new URL('../support/goproxy/store-writer.ts', import.meta.url))
const module = 'example.com/crash'
const ROUNDS = 16

/** Two writers of the same versions, killed at some moment. The last number that either said was committed. */
async function writeAndKill(path: string, first: number): Promise<number> {
  const last = await Promise.all(
    [0, 1].map(async () => {
      const child = spawn(process.execPath, [writer, path, module, String(first)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      const closed = once(child, 'close')
      await Promise.race([once(child.stdout, 'data'), closed])
      await delay(Math.random() * 60)
      child.kill('SIGKILL')
      const [, signal]: (string | null)[] = await closed
      assert.equal(signal, 'SIGKILL', errors)
      assert.equal(errors, '')
      return Number(said.split('\n').at(-2))
    }),
  )
  return Math.max(...last)
}

test('kill -9 at any moment of a write leaves nothing that is served wrongly, and what was committed is there', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'store-crash-'))
  t.after(() => rm(path, { recursive: true }))
  let committed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const from = committed
    committed = await writeAndKill(path, from + 1)
    const { services, scope } = testScope(t)
    const store = await openTestStore(t, { disk: { path } }, [], { services, scope })
    const { versions } = await store.usage()
    const listed = await store.versions(module)
    assert.equal(versions, listed.length + round)
    for (let number = from + 1; number <= committed; number++)
      assert.ok(listed.includes(`v0.0.${number}`), `${number} is lost`)
    for (const version of listed) {
      if (Number(version.slice('v0.0.'.length)) <= from) continue
      const stored = (await store.get(module, version))!
      assert.equal(JSON.parse(stored.info.toString()).Version, version)
      if (stored.zip === null) continue
      const zip = await zipBytes(store, stored)
      assert.equal(createHash('sha256').update(zip).digest('hex'), stored.zip.sha256)
    }
    assert.deepEqual(await readdir(join(path, 'staging')), [])
    assert.deepEqual(await readdir(join(path, 'locks')), [])
    await keep(store, 'example.com/after', `v0.0.${round}`, randomBytes(1_000))
    await scope.close()
  }
  const place = join(path, 'cache/download', module, '@v')
  const names = await readdir(place)
  for (const name of names) {
    assert.ok(names.includes(`${/^v\d+\.\d+\.\d+/.exec(name)![0]}.turnpike`), `${name} belongs to nothing`)
  }
})
