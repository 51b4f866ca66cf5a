import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '../../src/doors/goproxy/library/answer.ts'
import type { Submission } from '../../src/doors/goproxy/library/publish-version.ts'
import type { ModuleStore } from '../../src/doors/goproxy/store/module-store.ts'
import { FixtureOrigin, outage } from '../support/goproxy/fixture-origin.ts'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { ask, codeOf, readZip, TestClock, testLibrary } from '../support/goproxy/test-library.ts'

const module = 'git.corp.test/lib'
const config = { private: ['*.corp.test'] }
const never = new AbortController().signal
const textOf = (answer: Answer): string => answer.bytes.toString()

async function submission(
  store: ModuleStore,
  { module: path, version, info, zip }: ModuleFixture,
): Promise<Submission> {
  const file = await store.create()
  await file.write(zip)
  await file.end()
  return { module: path, version, info, zip: file }
}

test('a published version is listed, latest, and served, though no origin knows of it', async (t) => {
  const origin = new FixtureOrigin([])
  const { library, store, notes } = await testLibrary(t, { origin, config })
  const stored: string[] = []
  library.onStored(({ version, zip }) => stored.push(`${version} ${zip?.h1 ?? 'none'}`))
  // Asked for in vain before: that is remembered no longer.
  for (const question of [library.list(module, ask()), library.latest(module, ask())]) {
    assert.equal(await codeOf(question), 'ERR_MODULE_NOT_FOUND')
  }
  assert.equal(await codeOf(library.zip(module, 'v1.1.0', ask())), 'ERR_MODULE_NOT_FOUND')
  const fixtures = await Promise.all(['v1.0.0', 'v1.1.0', 'v1.2.0-rc.1'].map((version) => makeModule(module, version)))
  for (const fixture of fixtures) {
    const handed = await submission(store, fixture)
    assert.equal(await library.publish(handed, never), true)
    await handed.zip.discard()
  }
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\nv1.1.0\nv1.2.0-rc.1\n')
  assert.match(textOf(await library.latest(module, ask())), /"v1\.1\.0"/)
  assert.equal(textOf(await library.mod(module, 'v1.1.0', ask())), fixtures[1]!.mod.toString())
  assert.ok((await readZip(await library.zip(module, 'v1.1.0', ask()))).equals(fixtures[1]!.zip))
  assert.deepEqual(
    stored,
    fixtures.map(({ version, h1 }) => `${version} ${h1}`),
  )
  assert.equal((await store.get(module, 'v1.0.0'))?.origin, 'published')
  assert.deepEqual(notes, [])
})

test('what is published never changes: the same again is fine, anything else is a conflict', async (t) => {
  const { library, store } = await testLibrary(t, { origin: new FixtureOrigin([]), config })
  const fixture = await makeModule(module, 'v1.0.0')
  const publish = async (each: ModuleFixture): Promise<boolean> => {
    const handed = await submission(store, each)
    try {
      return await library.publish(handed, never)
    } finally {
      await handed.zip.discard()
    }
  }
  assert.equal(await publish(fixture), true)
  assert.equal(await publish(fixture), false)
  const other = await makeModule(module, 'v1.0.0', { files: { 'other.go': 'package lib\n' } })
  assert.equal(await codeOf(publish(other)), 'ERR_MODULE_CONFLICT')
  assert.equal(await codeOf(publish({ ...fixture, version: 'v1.0.1' })), 'ERR_MODULE_INVALID')
  assert.equal(
    await codeOf(publish({ ...fixture, version: 'v1.0.2', zip: Buffer.from('no zip') })),
    'ERR_MODULE_INVALID',
  )
  assert.deepEqual(await store.versions(module), ['v1.0.0'])
  assert.ok((await readZip(await library.zip(module, 'v1.0.0', ask()))).equals(fixture.zip))
})

test('two who publish the same version at once: one is taken, and the other is told', async (t) => {
  const { library, store } = await testLibrary(t, { origin: new FixtureOrigin([]), config })
  const rivals = [
    await makeModule(module, 'v1.0.0'),
    await makeModule(module, 'v1.0.0', { files: { 'other.go': 'package lib\n' } }),
  ]
  const handed = await Promise.all(rivals.map((each) => submission(store, each)))
  const codes = await Promise.all(handed.map((each) => codeOf(library.publish(each, never))))
  assert.deepEqual(codes.toSorted(), ['ERR_MODULE_CONFLICT', 'none'])
  await Promise.all(handed.map(({ zip }) => zip.discard()))
})

test('versions of git and published ones are one list; what git lost stays', async (t) => {
  const clock = new TestClock()
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0'), await makeModule(module, 'v1.1.0')])
  const { library, store } = await testLibrary(t, { origin, config, clock })
  await library.mod(module, 'v1.1.0', ask())
  const handed = await submission(store, await makeModule(module, 'v1.2.0'))
  await library.publish(handed, never)
  await handed.zip.discard()
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\nv1.1.0\nv1.2.0\n')
  assert.match(textOf(await library.latest(module, ask())), /"v1\.2\.0"/)
  origin.modules.pop()
  clock.aheadMs = 3_600_000
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\nv1.1.0\nv1.2.0\n')
})

test('a git host that is away does not hide what is published, and is not asked at every request', async (t) => {
  const origin = new FixtureOrigin([])
  origin.hook = () => {
    throw outage()
  }
  const { library, store } = await testLibrary(t, { origin, config })
  const handed = await submission(store, await makeModule(module, 'v1.0.0'))
  await library.publish(handed, never)
  await handed.zip.discard()
  for (let at = 0; at < 3; at++) {
    assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\n')
    assert.match(textOf(await library.latest(module, ask())), /"v1\.0\.0"/)
  }
  assert.deepEqual(origin.asked.toSorted(), [`latest ${module}`, `list ${module}`])
})

test('private versions are never too young; public ones of the same proxy are', async (t) => {
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0'), await makeModule('example.com/a', 'v1.0.0')])
  const { library } = await testLibrary(t, { origin, config: { ...config, cooldown: '72h' } })
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\n')
  assert.equal((await library.mod(module, 'v1.0.0', ask())).cache, 'miss')
  assert.equal(await codeOf(library.mod('example.com/a', 'v1.0.0', ask())), 'ERR_MODULE_COOLDOWN')
})
