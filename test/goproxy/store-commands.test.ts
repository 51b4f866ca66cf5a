import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { CliIo } from '../../src/cli/io.ts'
import { gc } from '../../src/cli/goproxy-gc.ts'
import { verify } from '../../src/cli/goproxy-verify.ts'
import { escapePath } from '../../src/gomod/module-path.ts'
import { readManifest, writeManifest } from '../../src/doors/goproxy/store/manifest.ts'
import { keepFixture } from '../support/goproxy/keep-fixture.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { startS3Server } from '../support/goproxy/s3-server.ts'
import { requireProgram } from '../support/peers/require-program.ts'

interface Ran {
  code: number
  out: string
  err: string
}

type Command = (args: string[], io: CliIo) => Promise<number>

async function run(command: Command, args: string[], isTTY = false): Promise<Ran> {
  const said = { out: '', err: '' }
  const code = await command(args, {
    stdout: { write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text), isTTY },
    cwd: tmpdir(),
    env: { HOME: tmpdir() },
  })
  return { code, ...said }
}

const modules = ['example.com/a', 'example.com/B/b', 'example.com/c'] as const

/** A folder with a version of each of them. */
async function filledFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'store-commands-'))
  t.after(() => rm(path, { recursive: true }))
  const store = await openTestStore(t, { disk: { path } })
  for (const module of modules) await keepFixture(store, await makeModule(module, 'v1.0.0'))
  return path
}

const file = (path: string, module: string, suffix: string): string =>
  join(path, 'cache/download', escapePath(module)!, '@v', `v1.0.0.${suffix}`)

test('goproxy verify: a store as it was committed', async (t) => {
  const path = await filledFolder(t)
  const { code, out, err } = await run(verify, ['--dir', path])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^3 versions, [\d.]+ KiB: all as committed\.\n$/)
  assert.match((await run(verify, ['--dir', path], true)).err, /3\/3 example\.com\/.@v1\.0\.0/)
})

test('G23 goproxy verify: what was damaged is listed and ends with 1, and goes with --remove', async (t) => {
  const path = await filledFolder(t)
  await appendFile(file(path, 'example.com/a', 'mod'), '\n')
  const zip = await readFile(file(path, 'example.com/B/b', 'zip'))
  zip[zip.length - 30]! ^= 1
  await writeFile(file(path, 'example.com/B/b', 'zip'), zip)
  const { code, out } = await run(verify, ['--dir', path, '--json'])
  assert.equal(code, 1)
  const report: { versions: number; damaged: { module: string; removed: boolean }[] } = JSON.parse(out)
  assert.equal(report.versions, 3)
  assert.deepEqual(new Set(report.damaged.map(({ module }) => module)), new Set(['example.com/a', 'example.com/B/b']))
  assert.ok(report.damaged.every((each) => !each.removed))
  const removed = await run(verify, ['--dir', path, '--remove'])
  assert.equal(removed.code, 1)
  assert.match(removed.out, /example\.com\/a@v1\.0\.0: .*its \.mod was changed/)
  assert.match(removed.out, /example\.com\/B\/b@v1\.0\.0: .*its zip was changed/)
  assert.match(removed.out, /2 damaged, and removed\.\n$/)
  assert.match((await run(verify, ['--dir', path])).out, /^1 version, .*: all as committed/)
})

test('G21 G23 goproxy verify: a zip that was put with its manifest is held to its contents', async (t) => {
  const path = await filledFolder(t)
  const place = file(path, 'example.com/c', 'turnpike')
  const manifest = readManifest(await readFile(place), 'example.com/c', 'v1.0.0')
  const other = await makeModule('example.com/other', 'v1.0.0')
  await writeFile(place, writeManifest({ ...manifest, zip: { ...manifest.zip!, h1: other.h1 } }))
  const { code, out } = await run(verify, ['--dir', path])
  assert.equal(code, 1)
  assert.match(out, /example\.com\/c@v1\.0\.0: its zip is h1:.*, h1:.* was committed\n/)
  const store = await openTestStore(t, { disk: { path } })
  await store.remove('example.com/c', 'v1.0.0')
  const wrong = await keepFixture(store, { ...other, module: 'example.com/c' })
  assert.equal(wrong.module, 'example.com/c')
  assert.match((await run(verify, ['--dir', path])).out, /example\.com\/c@v1\.0\.0: .*example\.com\/other@v1\.0\.0/)
})

test('goproxy gc: what was used longest ago is removed, or listed with --dry-run; what is pinned stays', async (t) => {
  const path = await filledFolder(t)
  const store = await openTestStore(t, { disk: { path } })
  await store.pin('example.com/c', 'v1.0.0', true)
  for (const [at, module] of modules.entries()) {
    const usedAt = new Date(Date.now() - (3 - at) * 3_600_000)
    await utimes(file(path, module, 'turnpike'), usedAt, usedAt)
  }
  const dry = await run(gc, ['--dir', path, '--unused-for', '30m', '--dry-run'])
  assert.equal(dry.code, 0)
  assert.match(
    dry.out,
    /^example\.com\/a@v1\.0\.0: \d+ B, last used .*\nexample\.com\/B\/b@.*\n2 versions, .*would be removed\.\n$/,
  )
  assert.notEqual(await store.get('example.com/a', 'v1.0.0'), null)
  const some = await run(gc, ['--dir', path, '--unused-for', '2.5h', '--json'])
  const { versions: gone }: { versions: { module: string }[] } = JSON.parse(some.out)
  assert.deepEqual(
    gone.map(({ module }) => module),
    ['example.com/a'],
  )
  assert.equal(await store.get('example.com/a', 'v1.0.0'), null)
  const rest = await run(gc, ['--dir', path, '--max-size', '1B'])
  assert.match(rest.out, /^example\.com\/B\/b@v1\.0\.0: .*\n1 version, .*removed\.\n$/)
  assert.notEqual(await store.get('example.com/c', 'v1.0.0'), null)
})

test('goproxy verify and gc: a bucket', async (t) => {
  if (!requireProgram(t, 'versitygw')) return
  const server = await startS3Server()
  t.after(() => server.peer.stop())
  const folder = await mkdtemp(join(tmpdir(), 'store-commands-'))
  t.after(() => rm(folder, { recursive: true }))
  const config = server.store('a/')
  const store = await openTestStore(t, config)
  for (const module of modules) await keepFixture(store, await makeModule(module, 'v1.0.0'))
  const yaml = join(folder, 'turnpike.json')
  const s3 = { ...config.s3, secretAccessKey: 'miniosecret' }
  const listeners = { modules: { address: '127.0.0.1:0', door: 'goproxy' } }
  await writeFile(yaml, JSON.stringify({ listeners, goproxy: { store: { s3 } } }))
  const fine = await run(verify, ['--config', yaml])
  assert.match(fine.out, /^3 versions, .*all as committed\.\n$/, fine.err)
  const collected = await run(gc, ['--config', yaml, '--max-size', '1B'])
  assert.match(collected.out, /3 versions, .*removed\.\n$/)
  assert.equal((await store.usage()).versions, 0)
  await writeFile(
    yaml,
    JSON.stringify({ listeners, goproxy: { store: { s3: { ...s3, secretAccessKey: 'another-secret' } } } }),
  )
  const refused = await run(verify, ['--config', yaml])
  assert.equal(refused.code, 1)
  assert.match(refused.err, /refused by its server: 403 SignatureDoesNotMatch/)
  assert.doesNotMatch(refused.err, /another-secret/)
})

const misuse: [command: Command, args: string[], code: number, err: RegExp][] = [
  [verify, ['--nonsense'], 2, /Usage: turnpike goproxy verify/],
  [verify, ['x'], 2, /one argument too many/],
  [verify, ['--dir', '/dev/null'], 1, /The module store \/dev\/null cannot be used/],
  [verify, ['--dir', '/nowhere/at/all'], 1, /^There is no store at \/nowhere\/at\/all\.\n$/],
  [gc, ['--dir', '.'], 2, /Nothing says what may stay/],
  [gc, ['--dir', '.', '--max-size', 'much'], 2, /--max-size: "much" is not a size/],
]

for (const [command, args, code, err] of misuse) {
  test(`goproxy verify and gc: ${args.join(' ')} ends with ${code}`, async () => {
    const ran = await run(command, args)
    assert.equal(ran.code, code)
    assert.match(ran.err, err)
  })
}
