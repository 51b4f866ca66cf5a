import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import type { StoredVersion } from '../../src/doors/goproxy/store/module-store.ts'
import { buildModuleZip } from '../../src/gomod/zip/build-zip.ts'
import { FixtureOrigin, gone, outage } from '../support/goproxy/fixture-origin.ts'
import { makeModule, sourceFiles, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { ask, codeOf, readZip, testLibrary, type TestLibrary } from '../support/goproxy/test-library.ts'

const module = 'example.com/tool'

/** A version whose zip is longer than what is held back. */
async function largeModule(version: string, kilobytes = 300): Promise<ModuleFixture> {
  const noise = createHash('shake256', { outputLength: kilobytes * 1024 })
    .update(version)
    .digest()
  return makeModule(module, version, { files: { 'tool.go': 'package tool\n', 'noise.bin': noise } })
}

/** Lets a zip through in pieces of 64 KiB, each when the test says so. */
class Pieces {
  written = 0
  private waits = Promise.withResolvers<void>()
  private allowed = Promise.withResolvers<void>()

  constructor(origin: FixtureOrigin) {
    origin.writeZip = async (zip, into, { signal }) => {
      into.expected = zip.length
      for (let at = 0; at < zip.length; at += 65_536) {
        this.allowed = Promise.withResolvers<void>()
        this.waits.resolve()
        await Promise.race([this.allowed.promise, once(signal, 'abort')])
        signal.throwIfAborted()
        await into.write(zip.subarray(at, at + 65_536))
        this.written = into.size
      }
      await into.end()
      this.waits.resolve()
    }
  }

  /** One more piece, once the origin waits with it. */
  async next(): Promise<void> {
    await this.waits.promise
    this.waits = Promise.withResolvers<void>()
    this.allowed.resolve()
  }
}

async function untilIdle({ services, scope }: Pick<TestLibrary, 'services' | 'scope'>): Promise<void> {
  while (services.ledger.count('tasks') > 0) await new Promise<void>((resolve) => void scope.after(1, resolve))
}

const denies = (): Promise<never> => Promise.reject(new TurnpikeError('ERR_MODULE_CHECKSUM'))
const verifies = (): Promise<'verified'> => Promise.resolve('verified')

test('200 questions for one cold version are one fetch, and 200 right answers', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const stored: StoredVersion[] = []
  const { library } = await testLibrary(t, { origin })
  library.onStored((version) => stored.push(version))
  const answers = await Promise.all(Array.from({ length: 200 }, () => library.zip(module, 'v1.0.0', ask())))
  for (const bytes of await Promise.all(answers.map(readZip))) assert.ok(bytes.equals(fixture.zip))
  assert.deepEqual(origin.asked.toSorted(), [`info ${module}@v1.0.0`, `mod ${module}@v1.0.0`, `zip ${module}@v1.0.0`])
  assert.deepEqual(
    stored.map(({ version, zip }) => [version, zip?.h1 ?? null]),
    [
      ['v1.0.0', null],
      ['v1.0.0', fixture.h1],
    ],
  )
  const warm = await library.zip(module, 'v1.0.0', ask())
  assert.deepEqual([warm.kind, warm.cache, warm.h1], ['stored', 'hit', fixture.h1])
  assert.ok((await readZip(warm)).equals(fixture.zip))
})

test('a client reads a cold zip while it is downloaded, all but its end; one that comes later reads it from the start', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const pieces = new Pieces(origin)
  const { library, store } = await testLibrary(t, { origin })
  const opening = library.zip(module, 'v1.0.0', ask())
  await pieces.next()
  await pieces.next()
  const first = await opening
  assert.equal(first.kind, 'staged')
  const into = Buffer.alloc(1 << 20)
  const length = await first.file.read(into, 0)
  assert.ok(length > 0 && length <= pieces.written - 65_536)
  assert.ok(into.subarray(0, length).equals(fixture.zip.subarray(0, length)))
  const second = await library.zip(module, 'v1.0.0', ask())
  const reading = Promise.all([readZip(first), readZip(second)])
  while (pieces.written < fixture.zip.length) await pieces.next()
  for (const bytes of await reading) assert.ok(bytes.equals(fixture.zip))
  assert.equal((await store.get(module, 'v1.0.0'))?.zip?.h1, fixture.h1)
  assert.equal(origin.times(`zip ${module}@v1.0.0`), 1)
})

test('a client that reads slowly holds nobody up, and gets all of it', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const { library, store } = await testLibrary(t, { origin })
  const [slow, fast] = await Promise.all([library.zip(module, 'v1.0.0', ask()), library.zip(module, 'v1.0.0', ask())])
  assert.ok((await readZip(fast)).equals(fixture.zip))
  assert.equal((await store.get(module, 'v1.0.0'))?.zip?.size, fixture.zip.length)
  assert.ok((await readZip(slow)).equals(fixture.zip))
})

const wrong: Record<string, (origin: FixtureOrigin, good: ModuleFixture) => Promise<void> | void> = {
  'bytes that are no zip': (origin) => {
    origin.writeZip = async (zip, into) => {
      await into.write(Buffer.alloc(zip.length, 7))
      await into.end()
    }
  },
  'a zip of another version': async (origin) => {
    const other = await largeModule('v1.0.1')
    origin.writeZip = async (_zip, into) => {
      await into.write(other.zip)
      await into.end()
    }
  },
  'a go.mod that is not the .mod': async (origin, good) => {
    const parts: Buffer[] = []
    const files = sourceFiles({ 'go.mod': `module ${module}\n\ngo 1.99\n`, 'noise.bin': good.zip })
    await buildModuleZip({ module, version: 'v1.0.0', files }, (bytes) => (parts.push(bytes), Promise.resolve()))
    origin.writeZip = async (_zip, into) => {
      await into.write(Buffer.concat(parts))
      await into.end()
    }
  },
  'no go.mod, though the .mod has one': async (origin, good) => {
    const parts: Buffer[] = []
    const files = sourceFiles({ 'noise.bin': good.zip })
    await buildModuleZip({ module, version: 'v1.0.0', files }, (bytes) => (parts.push(bytes), Promise.resolve()))
    origin.writeZip = async (_zip, into) => {
      await into.write(Buffer.concat(parts))
      await into.end()
    }
  },
}

for (const [what, tamper] of Object.entries(wrong)) {
  test(`${what}: every client's reading fails, nothing is stored, people are told`, async (t) => {
    const fixture = await largeModule('v1.0.0')
    const origin = new FixtureOrigin([fixture])
    await tamper(origin, fixture)
    const { library, store, notes } = await testLibrary(t, { origin })
    const open = await Promise.all([library.zip(module, 'v1.0.0', ask()), library.zip(module, 'v1.0.0', ask())])
    for (const answer of open) assert.equal(await codeOf(readZip(answer)), 'ERR_MODULE_ZIP')
    assert.equal((await store.get(module, 'v1.0.0'))?.zip, null)
    assert.deepEqual(
      notes.map(({ level, message, fields }) => [level, message, fields.code]),
      [['warn', 'a module was refused', 'ERR_MODULE_ZIP']],
    )
    // The next one asks anew, and gets it where it is right by then.
    origin.writeZip = new FixtureOrigin([]).writeZip
    assert.ok((await readZip(await library.zip(module, 'v1.0.0', ask()))).equals(fixture.zip))
  })
}

test('G14 a module without a go.mod has the synthetic one, and its zip none', async (t) => {
  const fixture = await makeModule(module, 'v1.0.0', { withoutGoMod: true })
  const { library } = await testLibrary(t, { origin: new FixtureOrigin([fixture]) })
  assert.equal((await library.mod(module, 'v1.0.0', ask())).bytes.toString(), `module ${module}\n`)
  assert.ok((await readZip(await library.zip(module, 'v1.0.0', ask()))).equals(fixture.zip))
})

test('what the checksum database denies is refused, and never kept', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const badMod = await testLibrary(t, { origin, parts: { trust: { checkMod: denies, checkZip: verifies } } })
  assert.equal(await codeOf(badMod.library.info(module, 'v1.0.0', ask())), 'ERR_MODULE_CHECKSUM')
  assert.equal(await badMod.store.get(module, 'v1.0.0'), null)
  assert.equal(badMod.notes.length, 1)
  const badZip = await testLibrary(t, { origin, parts: { trust: { checkMod: verifies, checkZip: denies } } })
  const answer = await badZip.library.zip(module, 'v1.0.0', ask())
  const into = Buffer.alloc(fixture.zip.length)
  let position = 0
  await assert.rejects(
    async () => {
      for (;;) position += await answer.file.read(into, position)
    },
    { code: 'ERR_MODULE_CHECKSUM' },
  )
  assert.ok(position <= fixture.zip.length - 65_536, 'its end was held back')
  await answer.close()
  assert.equal((await badZip.store.get(module, 'v1.0.0'))?.zip, null)
})

test('G13 an .info of another version than was asked for is refused', async (t) => {
  const fixture = await makeModule(module, 'v1.0.0')
  const origin = new FixtureOrigin([fixture, await makeModule(module, 'v1.0.1')])
  origin.queries.set(`${module}@v1.0.0`, 'v1.0.1')
  const { library, store } = await testLibrary(t, { origin })
  assert.equal(await codeOf(library.info(module, 'v1.0.0', ask())), 'ERR_MODULE_UPSTREAM')
  assert.equal(await store.get(module, 'v1.0.0'), null)
})

test('an origin that dies midway fails every client; one that has no zip is a 404 and no broken reply', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const { library, store } = await testLibrary(t, { origin })
  origin.writeZip = async (zip, into) => {
    into.expected = zip.length
    await into.write(zip.subarray(0, 200_000))
    throw outage()
  }
  const answers = await Promise.all([library.zip(module, 'v1.0.0', ask()), library.zip(module, 'v1.0.0', ask())])
  for (const answer of answers) assert.equal(await codeOf(readZip(answer)), 'ERR_MODULE_UPSTREAM')
  assert.equal((await store.get(module, 'v1.0.0'))?.zip, null)
  origin.writeZip = () => Promise.reject(gone('its zip'))
  await assert.rejects(library.zip(module, 'v1.0.0', ask()), { status: 404, fields: [] })
  await assert.rejects(library.zip(module, 'v1.0.0', ask()), { status: 404, fields: [['X-Cache', 'negative']] })
})

test('a zip larger than the limit is given up as soon as that is known', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const { library } = await testLibrary(t, { origin, config: { limits: { zip: '100KiB' } } })
  assert.equal(await codeOf(library.zip(module, 'v1.0.0', ask())), 'ERR_MODULE_TOO_LARGE')
  origin.writeZip = async (zip, into) => {
    for (let at = 0; at < zip.length; at += 1000) await into.write(zip.subarray(at, at + 1000))
  }
  const answer = await library.zip(module, 'v1.0.0', ask())
  assert.equal(await codeOf(readZip(answer)), 'ERR_MODULE_TOO_LARGE')
})

test('a download that everybody left is given up, unless half of it is there', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const aborted: number[] = []
  origin.hook = (what, { signal }) => {
    if (what.startsWith('zip')) signal.addEventListener('abort', () => aborted.push(pieces.written))
  }
  let pieces = new Pieces(origin)
  const running = await testLibrary(t, { origin })
  const { library, store } = running
  const opening = Promise.all([library.zip(module, 'v1.0.0', ask()), library.zip(module, 'v1.0.0', ask())])
  await pieces.next()
  await pieces.next()
  const [first, second] = await opening
  await first.close()
  await first.close()
  assert.deepEqual(aborted, [], 'somebody is left')
  await second.close()
  assert.deepEqual(aborted, [131_072])
  await untilIdle(running)
  assert.equal((await store.get(module, 'v1.0.0'))?.zip, null)

  pieces = new Pieces(origin)
  const again = library.zip(module, 'v1.0.0', ask())
  for (let at = 0; at < 3; at++) await pieces.next()
  const third = await again
  while (pieces.written * 2 < fixture.zip.length) await new Promise((resolve) => setImmediate(resolve))
  await third.close()
  while (pieces.written < fixture.zip.length) await pieces.next()
  await untilIdle(running)
  assert.equal((await store.get(module, 'v1.0.0'))?.zip?.h1, fixture.h1)
  assert.equal(aborted.length, 1)
})

test('a client that leaves before the first byte is not waited for, and the next one begins anew', async (t) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const begun = Promise.withResolvers<void>()
  const { writeZip } = origin
  origin.writeZip = async (_zip, _into, { signal }) => {
    begun.resolve()
    await once(signal, 'abort')
    signal.throwIfAborted()
  }
  const { library } = await testLibrary(t, { origin })
  const leaver = new AbortController()
  const opening = library.zip(module, 'v1.0.0', ask({ signal: leaver.signal }))
  await begun.promise
  leaver.abort(new Error('left'))
  await assert.rejects(opening, /left/)
  origin.writeZip = writeZip
  assert.ok((await readZip(await library.zip(module, 'v1.0.0', ask()))).equals(fixture.zip))
})

test('a full store: what was downloaded and is right reaches its clients, and people are told once', async (t) => {
  const fixtures = [await largeModule('v1.0.0'), await largeModule('v1.1.0')]
  const origin = new FixtureOrigin(fixtures)
  const { library, store, notes } = await testLibrary(t, { origin })
  const put = store.put.bind(store)
  store.put = () => Promise.reject(new TurnpikeError('ERR_MODULE_STORE', { message: 'no space left on device' }))
  for (const { version, zip } of fixtures) {
    assert.ok((await readZip(await library.zip(module, version, ask()))).equals(zip))
  }
  assert.deepEqual(
    notes.map(({ level, fields }) => [level, fields.error]),
    [['warn', 'no space left on device']],
  )
  store.put = put
  assert.ok((await readZip(await library.zip(module, 'v1.0.0', ask()))).equals(fixtures[0]!.zip))
  assert.equal((await library.zip(module, 'v1.0.0', ask()).then(async (zip) => (await zip.close(), zip))).cache, 'hit')
})

test('what is kept is added to the log of versions, and a log that fails harms nobody', async (t) => {
  const fixture = await makeModule(module, 'v1.0.0')
  const added: string[][] = []
  const log = { add: (...entry: string[]) => (added.push(entry), Promise.resolve()) }
  const origin = new FixtureOrigin([fixture])
  const good = await testLibrary(t, { origin, parts: { log } })
  await readZip(await good.library.zip(module, 'v1.0.0', ask()))
  await untilIdle(good)
  assert.deepEqual(added, [[module, 'v1.0.0', fixture.h1, fixture.modH1]])
  log.add = () => Promise.reject(new TurnpikeError('ERR_MODULE_STORE'))
  const failing = await testLibrary(t, { origin, parts: { log } })
  assert.ok((await readZip(await failing.library.zip(module, 'v1.0.0', ask()))).equals(fixture.zip))
  await untilIdle(failing)
  assert.deepEqual(
    failing.notes.map(({ message }) => message),
    ['a version was kept and not logged yet'],
  )
})

test('zips of a dozen slow downloads do not hold up questions', async (t) => {
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0'), await makeModule('example.com/b', 'v1.0.0')])
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { writeZip } = origin
  origin.writeZip = async (...args) => {
    await released
    await writeZip(...args)
  }
  const { library } = await testLibrary(t, { origin, config: { limits: { concurrentFetches: 1 } } })
  const slow = library.zip(module, 'v1.0.0', ask())
  const queued = library.zip('example.com/b', 'v1.0.0', ask())
  assert.equal((await library.list('example.com/b', ask())).bytes.toString(), 'v1.0.0\n')
  release()
  for (const answer of await Promise.all([slow, queued])) await readZip(answer)
})

test('what is asked while the proxy shuts down is refused as that', async (t) => {
  const origin = new FixtureOrigin([await makeModule(module, 'v1.0.0')])
  const { library, scope } = await testLibrary(t, { origin })
  await scope.close()
  assert.equal(await codeOf(library.list(module, ask())), 'ERR_DRAINING')
  assert.equal(await codeOf(library.zip(module, 'v1.0.0', ask())), 'ERR_DRAINING')
})

test('a download that runs when the proxy shuts down ends with it', async (t: TestContext) => {
  const fixture = await largeModule('v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const pieces = new Pieces(origin)
  const { library, scope } = await testLibrary(t, { origin })
  const opening = library.zip(module, 'v1.0.0', ask())
  await pieces.next()
  await pieces.next()
  const answer = await opening
  const reading = readZip(answer)
  const failed = assert.rejects(reading, { code: 'ERR_DRAINING' })
  await scope.close()
  await failed
})
