import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TurnpikeError } from '../../../core/error.ts'
import { Ledger } from '../../../engine/ledger.ts'
import { realWorld } from '../../../engine/real-world.ts'
import { Scope } from '../../../engine/scope.ts'
import { SharedStates } from '../../../engine/shared-states.ts'
import type { World } from '../../../engine/world.ts'
import { goZipLimits } from '../../../gomod/zip/zip-limits.ts'
import { FastWorld } from '../../../../test/support/goproxy/fast-world.ts'
import { makeModule, sourceFiles, type ModuleFixture } from '../../../../test/support/goproxy/module-fixtures.ts'
import { buildModuleZip } from '../../../gomod/zip/build-zip.ts'
import { ZipChecker, type CheckedFile } from './zip-checker.ts'

interface Bench {
  checker: ZipChecker
  scope: Scope
  ledger: Ledger
  folder: string
}

const onError = (error: unknown): void => assert.fail(String(error))

async function makeChecker(t: TestContext, world: World = realWorld()): Promise<Bench> {
  const ledger = new Ledger()
  const scope = new Scope({ world, ledger, states: new SharedStates(), onError })
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-zip-'))
  t.after(async () => {
    await scope.close()
    await rm(folder, { recursive: true })
    assert.equal(ledger.count('workers'), 0)
    assert.equal(ledger.count('timers'), 0)
    assert.equal(ledger.count('scopes'), 0)
  })
  return { checker: new ZipChecker({ scope, world, ledger }), scope, ledger, folder }
}

/** What of a staged file a checker looks at. */
function staged(bytes: Buffer, path: string | null): CheckedFile {
  return {
    size: bytes.length,
    path,
    peek: (into, position) => Promise.resolve(bytes.copy(into, 0, position)),
  }
}

async function onDisk({ folder }: Bench, bytes: Buffer): Promise<CheckedFile> {
  const path = join(folder, `${Math.random()}.zip`)
  await writeFile(path, bytes)
  return staged(bytes, path)
}

const facts = ({ h1, modH1, mod }: Pick<ModuleFixture, 'h1' | 'modH1' | 'mod'>): object => ({ h1, modH1, mod })

test('G21 G23 a staged zip is checked in a thread where it is on disk, in slices where it is in memory', async (t) => {
  const bench = await makeChecker(t)
  const fixture = await makeModule('example.com/hello', 'v1.2.3')
  const { module, version, zip } = fixture
  const fromDisk = await bench.checker.check(await onDisk(bench, zip), module, version, goZipLimits)
  assert.equal(bench.ledger.count('workers'), 1)
  const fromMemory = await bench.checker.check(staged(zip, null), module, version, goZipLimits)
  assert.deepEqual(fromDisk, fromMemory)
  assert.deepEqual({ h1: fromDisk.h1, modH1: fromDisk.modH1, mod: fromDisk.mod }, facts(fixture))
})

test('G21 what is refused says why, with the code of what is wrong, and the thread goes on', async (t) => {
  const bench = await makeChecker(t)
  const { module, version, zip } = await makeModule('example.com/hello', 'v1.2.3')
  for (const file of [await onDisk(bench, zip), staged(zip, null)]) {
    await assert.rejects(bench.checker.check(file, module, 'v1.2.4', goZipLimits), {
      code: 'ERR_MODULE_ZIP',
      message: /example\.com\/hello@v1\.2\.4: .*does not have prefix/,
    })
    await assert.rejects(bench.checker.check(file, module, version, { zip: 100, mod: 100 }), {
      code: 'ERR_MODULE_TOO_LARGE',
    })
    assert.equal((await bench.checker.check(file, module, version, goZipLimits)).files, 2)
  }
  assert.equal(bench.ledger.count('workers'), 1)
})

test('a zip that cannot be read is the store that fails', async (t) => {
  const bench = await makeChecker(t)
  const file = staged(Buffer.alloc(10), join(bench.folder, 'gone.zip'))
  await assert.rejects(bench.checker.check(file, 'example.com/m', 'v1.0.0', goZipLimits), { code: 'ERR_MODULE_STORE' })
})

test('a thread that nobody needs ends, and the next zip starts another', async (t) => {
  const bench = await makeChecker(t, new FastWorld(1000).world)
  const { module, version, zip, h1 } = await makeModule('example.com/hello', 'v1.2.3')
  const file = await onDisk(bench, zip)
  for (let round = 0; round < 2; round++) {
    assert.equal((await bench.checker.check(file, module, version, goZipLimits)).h1, h1)
    while (bench.ledger.count('workers') > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(bench.ledger.count('timers'), 0)
  }
  assert.equal(bench.ledger.snapshot().workers.total, 2)
})

test('many zips at once share two threads', async (t) => {
  const bench = await makeChecker(t)
  const fixture = await makeModule('example.com/hello', 'v1.2.3')
  const files = await Promise.all(Array.from({ length: 20 }, () => onDisk(bench, fixture.zip)))
  const all = await Promise.all(
    files.map((file) => bench.checker.check(file, fixture.module, fixture.version, goZipLimits)),
  )
  assert.ok(all.every(({ h1 }) => h1 === fixture.h1))
  assert.equal(bench.ledger.count('workers'), 2)
})

test('when the scope ends, those that run and those that wait are told, and no thread is left', async (t) => {
  const bench = await makeChecker(t)
  const { module, version, zip } = await makeModule('example.com/big', 'v1.0.0', {
    files: Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`f${at}.go`, `package big // ${at}\n`])),
  })
  const files = await Promise.all(Array.from({ length: 6 }, () => onDisk(bench, zip)))
  const checks = files.map((file) => bench.checker.check(file, module, version, goZipLimits))
  const settled = Promise.allSettled(checks)
  await bench.scope.close()
  for (const check of await settled) {
    assert.equal(check.status, 'rejected')
    assert.ok(check.reason instanceof TurnpikeError && check.reason.code === 'ERR_DRAINING')
  }
  assert.equal(bench.ledger.count('workers'), 0)
})

test('a zip of many files in memory does not hold up the event loop', async (t) => {
  const bench = await makeChecker(t)
  const module = 'example.com/many'
  const version = 'v1.0.0'
  const files = sourceFiles(Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`d${at % 100}/f${at}`, 'x'])))
  const pieces: Buffer[] = []
  await buildModuleZip({ module, version, files }, async (bytes) => void pieces.push(bytes))
  const check = bench.checker.check(staged(Buffer.concat(pieces), null), module, version, goZipLimits)
  let turns = 0
  let done = false
  const count = (): void => {
    turns++
    if (!done) setImmediate(count)
  }
  setImmediate(count)
  assert.equal((await check).files, 5_000)
  done = true
  assert.ok(turns > 10, `${turns} turns`)
})
