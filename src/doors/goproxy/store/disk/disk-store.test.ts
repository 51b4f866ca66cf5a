import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash, randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { keep, sampleVersion, staged, zipBytes } from '../../../../../test/contracts/module-store.ts'
import { openTestStore } from '../../../../../test/support/goproxy/open-test-store.ts'
import { testScope } from '../../../../../test/support/goproxy/test-scope.ts'
import type { ModuleStore } from '../module-store.ts'
import { ownIdentity } from './process-identity.ts'

const module = 'example.com/Azure/sdk'
const MIB = 1024 * 1024

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'disk-store-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

/** Opens a store, uses it and closes it, as one process does after another. */
async function inTurn<T>(
  t: TestContext,
  disk: { path: string; maxSize?: number; retention?: number },
  use: (store: ModuleStore) => Promise<T>,
  pinned: string[] = [],
): Promise<T> {
  const engine = testScope(t)
  const result = await use(await openTestStore(t, { disk }, pinned, engine))
  await engine.scope.close()
  return result
}

const versionsOf = async (store: ModuleStore): Promise<string[]> => (await store.versions(module)).toSorted()

test("G14 a folder is laid out as the go command's own cache", async (t) => {
  const path = await folder(t)
  const store = await openTestStore(t, { disk: { path } })
  const zip = randomBytes(1_000)
  const stored = await keep(store, module, 'v1.0.0-RC1', zip)
  const place = join(path, 'cache/download/example.com/!azure/sdk/@v')
  assert.deepEqual((await readdir(place)).toSorted(), [
    'v1.0.0-!r!c1.info',
    'v1.0.0-!r!c1.mod',
    'v1.0.0-!r!c1.turnpike',
    'v1.0.0-!r!c1.zip',
    'v1.0.0-!r!c1.ziphash',
  ])
  assert.ok((await readFile(join(place, 'v1.0.0-!r!c1.zip'))).equals(zip))
  assert.equal(await readFile(join(place, 'v1.0.0-!r!c1.ziphash'), 'utf8'), stored.zip!.h1)
  assert.deepEqual(await readdir(join(path, 'staging')), [])
  assert.deepEqual(await readdir(join(path, 'locks')), [])
})

test('bytes that were changed on disk are refused, and those of other versions are not', async (t) => {
  const path = await folder(t)
  const store = await openTestStore(t, { disk: { path } })
  const place = join(path, 'cache/download/example.com/!azure/sdk/@v')
  const intact = await keep(store, module, 'v1.9.0', randomBytes(1_000))
  const damage: [version: string, file: string, change: (file: string) => Promise<void>][] = [
    ['v1.0.0', 'mod', (file) => appendFile(file, '\n')],
    ['v1.1.0', 'info', (file) => writeFile(file, '{"Version":"v1.1.0","Time":"2024-03-01T12:00:01Z"}')],
    ['v1.2.0', 'info', (file) => rm(file)],
    ['v1.3.0', 'turnpike', (file) => writeFile(file, '{')],
    ['v1.4.0', 'turnpike', async (file) => writeFile(file, (await readFile(file, 'utf8')).replace('v1.4.0', 'v1.5.0'))],
    ['v1.5.0', 'turnpike', async (file) => writeFile(file, (await readFile(file, 'utf8')).replace('"size"', '"Size"'))],
  ]
  for (const [version, file, change] of damage) {
    await keep(store, module, version, randomBytes(1_000))
    await change(join(place, `${version}.${file}`))
    await assert.rejects(store.get(module, version), { code: 'ERR_MODULE_STORE', message: /damaged .*sdk@v1/ }, file)
  }
  assert.deepEqual(await store.get(module, 'v1.9.0'), intact)
})

test('a zip that was changed is refused, before and after it was opened once, by who wrote it and by others', async (t) => {
  const path = await folder(t)
  const store = await openTestStore(t, { disk: { path } })
  const other = await openTestStore(t, { disk: { path } })
  const zip = randomBytes(200_000)
  const file = join(path, 'cache/download/example.com/!azure/sdk/@v/v1.0.0.zip')
  const stored = await keep(store, module, 'v1.0.0', zip)
  assert.ok((await zipBytes(other, stored)).equals(zip))
  const { atime, mtime } = await stat(file)
  const changed = Buffer.from(zip)
  changed[100_000]! ^= 1
  await writeFile(file, changed)
  await utimes(file, atime, mtime)
  for (const each of [store, other, await openTestStore(t, { disk: { path } })]) {
    await assert.rejects(each.openZip(stored), { code: 'ERR_MODULE_STORE', message: /its zip was changed/ })
  }
  await writeFile(file, zip)
  assert.ok((await zipBytes(store, stored)).equals(zip), 'mended')
  await appendFile(file, 'x')
  await assert.rejects(store.openZip(stored), { code: 'ERR_MODULE_STORE', message: /another size/ })
})

test('a zip whose file was lost is taken anew', async (t) => {
  const path = await folder(t)
  const store = await openTestStore(t, { disk: { path } })
  const zip = randomBytes(1_000)
  const stored = await keep(store, module, 'v1.0.0', zip)
  await rm(join(path, 'cache/download/example.com/!azure/sdk/@v/v1.0.0.zip'))
  await assert.rejects(store.openZip(stored), { code: 'ERR_MODULE_STORE' })
  await keep(store, module, 'v1.0.0', zip)
  assert.ok((await zipBytes(store, stored)).equals(zip))
})

test('maxSize holds while several downloads run; what was used longest ago goes, what is pinned stays', async (t) => {
  const path = await folder(t)
  const maxSize = 3 * MIB
  const store = await openTestStore(t, { disk: { path, maxSize } }, ['example.com/always'])
  await keep(store, 'example.com/always', 'v1.0.0', randomBytes(450_000))
  for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0']) {
    await keep(store, module, version, randomBytes(450_000))
  }
  assert.deepEqual(await versionsOf(store), ['v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0'])
  await store.pin(module, 'v1.1.0', true)
  store.touch(module, 'v1.0.0')
  // Two at once, neither committed: what they take on the way counts.
  const [one, two] = [await store.create(), await store.create()]
  for (let piece = 0; piece < 8; piece++) {
    await Promise.all([one.write(randomBytes(MIB / 8)), two.write(randomBytes(MIB / 16))])
    assert.ok((await sizeBelow(path)) <= maxSize, `after ${piece}`)
  }
  assert.deepEqual(await versionsOf(store), ['v1.0.0', 'v1.1.0'])
  assert.equal((await store.usage()).versions, 3)
  await one.write(randomBytes(MIB / 4))
  await assert.rejects(one.write(randomBytes(MIB)), { code: 'ERR_MODULE_STORE', message: /maxSize/ })
  await Promise.all([one.discard(), two.discard()])
  assert.deepEqual(await versionsOf(store), ['v1.1.0'])
  await keep(store, module, 'v2.0.0', randomBytes(MIB))
})

async function sizeBelow(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = files.map(
    async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0,
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

test('which version was used longest ago is known after a restart, and when another process used it', async (t) => {
  const path = await folder(t)
  const maxSize = 2 * MIB
  await inTurn(t, { path, maxSize }, async (store) => {
    for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) await keep(store, module, version, randomBytes(MIB / 2))
    for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) await aged(path, version, 60_000)
    store.touch(module, 'v1.0.0')
  })
  await inTurn(t, { path, maxSize }, async (store) => {
    await keep(store, module, 'v2.0.0', randomBytes(MIB / 2))
    await keep(store, module, 'v2.1.0', randomBytes(MIB / 2))
    assert.deepEqual(await versionsOf(store), ['v1.0.0', 'v2.0.0', 'v2.1.0'])
    await inTurn(t, { path, maxSize }, async (other) => {
      await other.usage()
      await aged(path, 'v1.0.0', 0)
      await aged(path, 'v2.0.0', 60_000)
      await keep(other, module, 'v3.0.0', randomBytes(MIB / 2))
      await keep(other, module, 'v3.1.0', randomBytes(MIB / 2))
      assert.deepEqual(await versionsOf(other), ['v1.0.0', 'v3.0.0', 'v3.1.0'])
    })
  })
})

/** As if it was last used so long ago. */
async function aged(path: string, version: string, ms: number): Promise<void> {
  const usedAt = new Date(Date.now() - ms)
  await utimes(join(path, `cache/download/example.com/!azure/sdk/@v/${version}.turnpike`), usedAt, usedAt)
}

test('what nobody used for as long as retention says goes, what is pinned stays', async (t) => {
  const path = await folder(t)
  await inTurn(t, { path }, async (store) => {
    for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) await keep(store, module, version, randomBytes(1_000))
    await store.pin(module, 'v1.1.0', true)
    await aged(path, 'v1.0.0', 7_200_000)
    await aged(path, 'v1.1.0', 7_200_000)
    await aged(path, 'v1.2.0', 60_000)
  })
  const store = await openTestStore(t, { disk: { path, retention: 3_600_000 } })
  assert.equal((await store.usage()).versions, 2)
  assert.deepEqual(await versionsOf(store), ['v1.1.0', 'v1.2.0'])
})

test('what a process left half-done that has ended is removed; what others are at is not', async (t) => {
  const path = await folder(t)
  await inTurn(t, { path }, (store) => keep(store, module, 'v1.0.0', randomBytes(1_000)))
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const staging = join(path, 'staging')
  const [boot, namespace] = ownIdentity.split('.')
  const dead = `${boot}.${namespace}.${child.pid}.1.0`
  const pidCameAgain = `${boot}.${namespace}.${process.pid}.1.0`
  const foreign = `another-boot.${namespace}.1.1.0`
  const living = `${ownIdentity}.999`
  for (const name of [dead, pidCameAgain, foreign, living]) await writeFile(join(staging, name), 'half')
  const place = join(path, 'cache/download/example.com/!azure/sdk/@v')
  await writeFile(join(place, 'v1.1.0.zip'), 'half')
  await writeFile(join(place, 'v1.1.0.info'), '{}')
  await writeFile(join(place, 'list'), 'v1.0.0\n')
  await inTurn(t, { path }, async (store) => {
    assert.equal((await store.usage()).versions, 1)
    assert.deepEqual((await readdir(staging)).toSorted(), [foreign, living].toSorted())
    assert.deepEqual((await readdir(place)).toSorted(), [
      'list',
      'v1.0.0.info',
      'v1.0.0.mod',
      'v1.0.0.turnpike',
      'v1.0.0.zip',
      'v1.0.0.ziphash',
    ])
  })
  const longAgo = new Date(Date.now() - 25 * 3_600_000)
  await utimes(join(staging, foreign), longAgo, longAgo)
  await inTurn(t, { path }, async () => assert.deepEqual(await readdir(staging), [living]))
})

test('locks of a process that was killed go, also where it was at removing one', async (t) => {
  const path = await folder(t)
  await inTurn(t, { path }, () => Promise.resolve())
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const [boot, namespace] = ownIdentity.split('.')
  const dead = `${boot}.${namespace}.${child.pid}.1`
  const token = `${dead}/abcdefgh`
  const lock = join(path, 'locks', '0'.repeat(32))
  await symlink(token, lock)
  await symlink(dead, `${lock}.${createHash('sha256').update(token).digest('hex').slice(0, 16)}`)
  const living = join(path, 'locks', '1'.repeat(32))
  await symlink(`${ownIdentity}/abcdefgh`, living)
  await inTurn(t, { path }, async () => assert.deepEqual(await readdir(join(path, 'locks')), ['1'.repeat(32)]))
})

test('documents are for their owner alone', async (t) => {
  const path = await folder(t)
  const store = await openTestStore(t, { disk: { path } })
  await store.documents.put('keys/own', Buffer.from('x'))
  assert.equal((await stat(join(path, 'documents/keys/own='))).mode & 0o777, 0o600)
})

test('a folder that cannot be used is said to be so, by its name', async (t) => {
  const path = await folder(t)
  await writeFile(join(path, 'file'), '')
  await assert.rejects(openTestStore(t, { disk: { path: join(path, 'file') } }), {
    code: 'ERR_MODULE_STORE',
    message: /file cannot be used/,
  })
})

test('a version without a place is refused', async (t) => {
  const store = await openTestStore(t, { disk: { path: await folder(t) } })
  await assert.rejects(store.get('example.com/../../etc', 'v1.0.0'), { code: 'ERR_MODULE_STORE' })
  await assert.rejects(store.get(module, 'v1/../..'), { code: 'ERR_MODULE_STORE' })
})

test('a zip that another store staged is refused', async (t) => {
  const store = await openTestStore(t, { disk: { path: await folder(t) } })
  const file = await staged(await openTestStore(t, { memory: { maxSize: MIB } }), Buffer.from('x'))
  await assert.rejects(store.put(sampleVersion(module, 'v1.0.0', Buffer.from('x')), file), RangeError)
  await file.discard()
})
