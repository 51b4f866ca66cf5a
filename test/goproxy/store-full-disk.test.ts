import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { readdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { keep, sampleVersion, zipBytes } from '../contracts/module-store.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { testScope } from '../support/goproxy/test-scope.ts'

const module = 'example.com/full'
const DISK = 4 * 1024 * 1024

/** A file system of its own, that small. Null, and the test skipped, where this user may not mount one. */
function smallDisk(t: TestContext): string | null {
  const path = mkdtempSync(join(tmpdir(), 'full-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(path)
    t.skip(`no tmpfs can be mounted: ${String(error)}`)
    return null
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', path])
    rmdirSync(path)
  })
  return path
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

test('a full disk is a clear error; what is there is served, what was on its way is gone, and with room it goes on', async (t) => {
  const path = smallDisk(t)
  if (path === null) return
  const { services, scope } = testScope(t)
  const store = await openTestStore(t, { disk: { path } }, [], { services, scope })
  const zips: Buffer[] = []
  const full = { code: 'ERR_MODULE_STORE', message: /ENOSPC: no space left on device/ }
  const fill = async (size: number): Promise<void> => {
    for (;;) {
      const zip = randomBytes(size)
      const before = await freeBytes(path)
      try {
        await keep(store, module, `v1.0.${zips.length}`, zip)
        zips.push(zip)
      } catch (error) {
        assert.throws(() => {
          throw error
        }, full)
        assert.ok((await freeBytes(path)) >= before - 4_096, 'a folder may have grown, and nothing else')
        return
      }
    }
  }
  // Full in the middle of a zip, then in one of the small files, whichever.
  await fill(900_000)
  await fill(30_000)
  await fill(1)
  assert.equal(await store.get(module, `v1.0.${zips.length}`), null)
  for (const [at, zip] of zips.entries()) {
    const stored = (await store.get(module, `v1.0.${at}`))!
    assert.ok((await zipBytes(store, stored)).equals(zip))
  }
  assert.equal((await store.versions(module)).length, zips.length)
  assert.deepEqual(await readdir(join(path, 'staging')), [])
  await assert.rejects(
    store.put(sampleVersion(module, 'v2.0.0', null, `module ${module}\n${'\n'.repeat(60_000)}`), null),
    full,
  )
  await assert.rejects(store.documents.put('a/b', randomBytes(60_000)), full)

  await store.remove(module, 'v1.0.0')
  const smaller = zips[0]!.subarray(0, 500_000)
  await keep(store, module, 'v2.0.0', smaller)
  await store.documents.put('a/b', randomBytes(60_000))
  assert.ok((await zipBytes(store, (await store.get(module, 'v2.0.0'))!)).equals(smaller))
  await scope.close()
})
