import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TurnpikeError } from '../../src/core/error.ts'
import type { ModuleStore, StoredVersion } from '../../src/doors/goproxy/store/module-store.ts'
import type { StagedFile } from '../../src/doors/goproxy/store/staged-file.ts'
import { goModH1 } from '../../src/gomod/hash1.ts'

const HELD_BACK = 65_536

export interface ModuleStoreCase {
  name: string
  /** A fresh place, opened; null where what it needs is not installed. */
  open: (t: TestContext) => Promise<OpenedStore | null>
}

export interface OpenedStore {
  store: ModuleStore
  /** Opens the same place once more, as another process would. Null where it is nobody else's. */
  again: (() => Promise<ModuleStore>) | null
}

/** A version as an origin would give it; its zip is that of the bytes, whatever they are. */
export function sampleVersion(
  module: string,
  version: string,
  zip: Buffer | null,
  mod = `module ${module}\n`,
): StoredVersion {
  const hash = zip === null ? null : createHash('sha256').update(zip)
  return {
    module,
    version,
    info: Buffer.from(JSON.stringify({ Version: version, Time: '2024-03-01T12:00:00Z' })),
    mod: Buffer.from(mod),
    zip:
      zip === null
        ? null
        : { size: zip.length, sha256: hash!.copy().digest('hex'), h1: `h1:${hash!.digest('base64')}` },
    modH1: goModH1(Buffer.from(mod)),
    firstSeenMs: 1_700_000_000_000,
    origin: 'direct',
    pinned: false,
  }
}

/** Writes all of it, ends and releases it. */
export async function staged(store: Pick<ModuleStore, 'create'>, bytes: Buffer): Promise<StagedFile> {
  const file = await store.create()
  try {
    for (let at = 0; at < bytes.length; at += 50_000) await file.write(bytes.subarray(at, at + 50_000))
    await file.end()
  } catch (error) {
    await file.discard()
    throw error
  }
  file.release()
  return file
}

/** Commits a version with a zip of these bytes. */
export async function keep(store: ModuleStore, module: string, version: string, zip: Buffer): Promise<StoredVersion> {
  const stored = sampleVersion(module, version, zip)
  const file = await staged(store, zip)
  try {
    await store.put(stored, file)
  } finally {
    await file.discard()
  }
  return stored
}

export async function zipBytes(store: ModuleStore, version: StoredVersion): Promise<Buffer> {
  const file = await store.openZip(version)
  try {
    return await readAll(file)
  } finally {
    await file.close()
  }
}

export async function readAll(file: Pick<StagedFile, 'read'>): Promise<Buffer> {
  const pieces: Buffer[] = []
  const into = Buffer.alloc(40_000)
  for (let at = 0; ;) {
    const length = await file.read(into, at)
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(Buffer.from(into.subarray(0, length)))
    at += length
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const module = 'example.com/Team/Module'

/** What every store keeps to. */
export function moduleStoreContract({ name, open }: ModuleStoreCase): void {
  const it = (what: string, run: (opened: OpenedStore) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => {
      const opened = await open(t)
      if (opened !== null) await run(opened)
    })
  }

  it('G14 a version is there with all that was committed of it, and the zip when somebody wanted it', async ({
    store,
  }) => {
    assert.equal(await store.get(module, 'v1.0.0'), null)
    await store.put(sampleVersion(module, 'v1.0.0', null), null)
    assert.deepEqual(await store.get(module, 'v1.0.0'), sampleVersion(module, 'v1.0.0', null))
    const zip = randomBytes(300_000)
    const stored = await keep(store, module, 'v1.0.0', zip)
    assert.deepEqual(await store.get(module, 'v1.0.0'), stored)
    assert.ok((await zipBytes(store, stored)).equals(zip))
    assert.equal(await store.get(module, 'v1.0.1'), null)
    assert.equal(await store.get(`${module}/sub`, 'v1.0.0'), null)
  })

  it('a zip is read at any position', async ({ store }) => {
    const zip = randomBytes(700_000)
    const file = await store.openZip(await keep(store, module, 'v1.0.0', zip))
    for (const [position, length] of [
      [0, 10],
      [650_000, 100_000],
      [262_140, 8],
      [10, 600_000],
      [699_999, 5],
      [700_000, 5],
    ] as const) {
      const into = Buffer.alloc(length)
      let got = 0
      for (let more = -1; more !== 0 && got < length; got += more)
        more = await file.read(into.subarray(got), position + got)
      assert.ok(into.subarray(0, got).equals(zip.subarray(position, position + length)), `${length} at ${position}`)
    }
    await file.close()
    await file.close()
  })

  it('versions never change: other contents are a conflict, the same in other bytes are not', async ({ store }) => {
    const first = await keep(store, module, 'v1.0.0', randomBytes(1_000))
    await assert.rejects(keep(store, module, 'v1.0.0', randomBytes(1_000)), { code: 'ERR_MODULE_CONFLICT' })
    const otherMod = sampleVersion(module, 'v1.0.0', null, 'module other.example\n')
    await assert.rejects(store.put(otherMod, null), { code: 'ERR_MODULE_CONFLICT' })
    const bytes = randomBytes(2_000)
    const same = sampleVersion(module, 'v1.0.0', bytes)
    same.zip!.h1 = first.zip!.h1
    const file = await staged(store, bytes)
    await store.put({ ...same, info: Buffer.from('{"Version":"v1.0.0"}') }, file)
    await file.discard()
    assert.deepEqual(await store.get(module, 'v1.0.0'), first)
  })

  it('what is listed is what is there', async ({ store }) => {
    assert.deepEqual(await collect(store.modules()), [])
    assert.deepEqual(await store.versions(module), [])
    await keep(store, module, 'v1.0.0', randomBytes(1_000))
    await keep(store, module, 'v1.1.0-RC1', randomBytes(1_000))
    await keep(store, `${module}/v2`, 'v2.0.0', randomBytes(1_000))
    await keep(store, 'example.com/Team/Module-two', 'v1.0.0', randomBytes(1_000))
    assert.deepEqual((await store.versions(module)).toSorted(), ['v1.0.0', 'v1.1.0-RC1'])
    assert.deepEqual((await collect(store.modules())).toSorted(), [
      module,
      'example.com/Team/Module-two',
      `${module}/v2`,
    ])
    assert.equal((await store.usage()).versions, 4)
    await store.remove(module, 'v1.0.0')
    await store.remove(module, 'v1.0.0')
    assert.deepEqual(await store.versions(module), ['v1.1.0-RC1'])
    assert.equal(await store.get(module, 'v1.0.0'), null)
    assert.equal((await store.usage()).versions, 3)
  })

  it('a zip that is open stays readable when its version is removed, or says that it is gone', async ({ store }) => {
    const zip = randomBytes(400_000)
    const stored = await keep(store, module, 'v1.0.0', zip)
    const file = await store.openZip(stored)
    const into = Buffer.alloc(1_000)
    await file.read(into, 0)
    await store.remove(module, 'v1.0.0')
    await readAll(file).then(
      (bytes) => assert.ok(bytes.equals(zip)),
      (error: unknown) => assert.equal(TurnpikeError.from(error, 'body').code, 'ERR_MODULE_STORE'),
    )
    await file.close()
    await assert.rejects(store.openZip(stored), { code: 'ERR_MODULE_STORE', retry: true })
  })

  it('it is known when a version was last used, and whether it is pinned', async ({ store }) => {
    const before = Date.now()
    await keep(store, module, 'v1.0.0', randomBytes(1_000))
    const committed = await store.lastUsed(module, 'v1.0.0')
    assert.ok(committed >= before - 2_000 && committed <= Date.now() + 2_000)
    await delay(20)
    store.touch(module, 'v1.0.0')
    assert.ok((await store.lastUsed(module, 'v1.0.0')) >= before + 20)
    await store.pin(module, 'v1.0.0', true)
    assert.equal((await store.get(module, 'v1.0.0'))!.pinned, true)
    await store.pin(module, 'v1.0.0', false)
    assert.equal((await store.get(module, 'v1.0.0'))!.pinned, false)
    await store.put(sampleVersion(module, 'v1.1.0', null), null)
    const zip = randomBytes(1_000)
    const file = await staged(store, zip)
    await store.put({ ...sampleVersion(module, 'v1.1.0', zip), pinned: true }, file)
    await file.discard()
    assert.equal((await store.get(module, 'v1.1.0'))!.pinned, true)
  })

  it('many commit the same version at once: one wins, and what is there is of one piece', async ({ store, again }) => {
    const other = (await again?.()) ?? store
    const h1 = sampleVersion(module, 'v1.0.0', Buffer.from('x')).zip!.h1
    await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const bytes = randomBytes(100_000 + at)
        const mine = at % 2 === 0 ? store : other
        const version = sampleVersion(module, 'v1.0.0', bytes)
        version.zip!.h1 = h1
        const file = await staged(mine, bytes)
        await mine.put({ ...version, info: Buffer.from(`{"Version":"v1.0.0","By":${at}}`) }, file)
        await file.discard()
      }),
    )
    const stored = (await store.get(module, 'v1.0.0'))!
    const zip = await zipBytes(other, stored)
    assert.equal(createHash('sha256').update(zip).digest('hex'), stored.zip!.sha256)
  })

  it('another process sees what was committed and removed', async ({ store, again }) => {
    if (again === null) return
    const zip = randomBytes(50_000)
    const stored = await keep(store, module, 'v1.0.0', zip)
    const other = await again()
    assert.deepEqual(await other.get(module, 'v1.0.0'), stored)
    assert.ok((await zipBytes(other, stored)).equals(zip))
    await other.remove(module, 'v1.0.0')
    assert.equal(await store.get(module, 'v1.0.0'), null)
  })

  stagedFileContract(it)
  documentContract(it)
}

function stagedFileContract(it: (what: string, run: (opened: OpenedStore) => Promise<void>) => void): void {
  it('staged: readers follow the writer, the last 64 KiB held back until it is released', async ({ store }) => {
    const bytes = randomBytes(500_000)
    const file = await store.create()
    file.retain()
    const read = readAll(file)
    const into = Buffer.alloc(1_000_000)
    for (let at = 0; at < bytes.length; at += 70_000) await file.write(bytes.subarray(at, at + 70_000))
    await file.end()
    assert.equal(file.size, bytes.length)
    assert.equal(file.sha256(), createHash('sha256').update(bytes).digest('hex'))
    assert.equal(await file.read(into, 0), bytes.length - HELD_BACK)
    assert.equal(await file.peek(into, bytes.length - 10), 10)
    assert.ok(into.subarray(0, 10).equals(bytes.subarray(-10)))
    let readBeyond = false
    const beyond = file.read(into, bytes.length - HELD_BACK).finally(() => (readBeyond = true))
    await delay(10)
    assert.equal(readBeyond, false)
    await file.discard()
    file.release()
    assert.equal(await beyond, HELD_BACK)
    assert.ok((await read).equals(bytes))
    assert.equal(await file.read(into, bytes.length), 0)
    await file.discard()
  })

  it('staged: one that fails fails its readers, and takes no more', async ({ store }) => {
    const file = await store.create()
    await file.write(randomBytes(100_000))
    const waiting = file.read(Buffer.alloc(10), 90_000)
    file.fail(new Error('cut short'))
    await assert.rejects(waiting, /cut short/)
    await assert.rejects(file.read(Buffer.alloc(10), 0), /cut short/)
    await assert.rejects(file.write(Buffer.alloc(1)), /cut short/)
    await file.discard()
  })

  it('staged: a client slower than the commit reads on, whatever becomes of the version', async ({ store }) => {
    const bytes = randomBytes(200_000)
    const file = await staged(store, bytes)
    file.retain()
    await store.put(sampleVersion(module, 'v1.0.0', bytes), file)
    await file.discard()
    await store.remove(module, 'v1.0.0')
    assert.ok((await readAll(file)).equals(bytes))
    await file.discard()
  })

  it('staged: small pieces, an empty file, and more than was announced', async ({ store }) => {
    const bytes = randomBytes(300_000)
    const file = await store.create()
    file.expected = 10
    for (let at = 0; at < bytes.length; at += 777) await file.write(bytes.subarray(at, at + 777))
    await file.end()
    file.release()
    assert.ok((await readAll(file)).equals(bytes))
    await file.discard()
    const empty = await staged(store, Buffer.alloc(0))
    assert.equal((await readAll(empty)).length, 0)
    await empty.discard()
  })
}

function documentContract(it: (what: string, run: (opened: OpenedStore) => Promise<void>) => void): void {
  it('documents: are put, replaced, listed in order, removed', async ({ store: { documents } }) => {
    const names = ['a', 'a-b', 'a/b', 'a/b/c', 'a/c', 'b/x001/067.p-12', 'tiles/example.com+x/!m@v1.0.0']
    assert.equal(await documents.get('a'), null)
    const before = Date.now()
    for (const name of names.toReversed()) await documents.put(name, Buffer.from(name))
    for (const name of names) {
      const document = (await documents.get(name))!
      assert.equal(document.bytes.toString(), name)
      assert.ok(Math.abs(document.putAtMs - before) < 10_000)
    }
    await documents.put('a/b', Buffer.from('new'))
    assert.equal((await documents.get('a/b'))!.bytes.toString(), 'new')
    assert.deepEqual(await collect(documents.list('')), names)
    assert.deepEqual(await collect(documents.list('a')), names.slice(0, 5))
    assert.deepEqual(await collect(documents.list('a/')), ['a/b', 'a/b/c', 'a/c'])
    assert.deepEqual(await collect(documents.list('a/b')), ['a/b', 'a/b/c'])
    assert.deepEqual(await collect(documents.list('a', 'a/b')), ['a/b/c', 'a/c'])
    assert.deepEqual(await collect(documents.list('zz')), [])
    await documents.remove('a/b')
    await documents.remove('a/b')
    assert.equal(await documents.get('a/b'), null)
    assert.equal((await documents.get('a/b/c'))!.bytes.toString(), 'a/b/c')
    for (const name of ['', '/a', 'a//b', '../a', 'a/..', 'a b', 'a\0']) {
      await assert.rejects(async () => documents.put(name, Buffer.alloc(0)), RangeError, name)
    }
  })

  it('documents: one at a time holds a name, in turn; other names are free', async ({ store, again }) => {
    const places = [store, (await again?.()) ?? store]
    let inside = 0
    let most = 0
    let counter = 0
    await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        places[at % 2]!.documents.exclusively('locks/one', async (signal) => {
          most = Math.max(most, ++inside)
          const seen = counter
          await delay(2)
          counter = seen + 1
          inside--
          assert.equal(signal.aborted, false)
        }),
      ),
    )
    assert.deepEqual([most, counter], [1, 10])
    await store.documents.exclusively('locks/one', () => places[1]!.documents.exclusively('locks/two', async () => {}))
    await assert.rejects(
      store.documents.exclusively('locks/one', () => Promise.reject(new Error('of the work'))),
      /of the work/,
    )
    assert.equal(await store.documents.exclusively('locks/one', () => Promise.resolve(7)), 7)
  })

  it('documents: waiting for a name ends when nobody wants it any more', async ({ store, again }) => {
    const other = (await again?.()) ?? store
    const { promise: release, resolve } = Promise.withResolvers<void>()
    const { promise: holding, resolve: held } = Promise.withResolvers<void>()
    const first = store.documents.exclusively('locks/one', () => (held(), release))
    await holding
    const patience = new AbortController()
    const waiting = other.documents.exclusively('locks/one', () => assert.fail('it was held'), patience.signal)
    patience.abort(new Error('no longer wanted'))
    await assert.rejects(waiting, /no longer wanted/)
    resolve()
    await first
    assert.equal(await other.documents.exclusively('locks/one', () => Promise.resolve(1)), 1)
  })
}
