import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { FastWorld } from '../../../../test/support/goproxy/fast-world.ts'
import { openTestStore } from '../../../../test/support/goproxy/open-test-store.ts'
import { testScope } from '../../../../test/support/goproxy/test-scope.ts'
import { TurnpikeError } from '../../../core/error.ts'
import type { DocumentStore } from '../store/document-store.ts'
import type { StoredVersion } from '../store/module-store.ts'
import { readIndexLines } from './index-entry.ts'
import { IndexFeed } from './index-feed.ts'

const memory = { memory: { maxSize: 64 * 1024 * 1024 } }

const version = (at: number, zip: StoredVersion['zip'] = null): StoredVersion => ({
  module: 'example.com/m',
  version: `v1.0.${at}`,
  info: Buffer.from('{}'),
  mod: Buffer.from('module example.com/m\n'),
  zip,
  modH1: 'h1:',
  firstSeenMs: 0,
  origin: 'direct',
  pinned: false,
})

interface Bench {
  feed(nowMs?: () => number): IndexFeed
  documents: DocumentStore
  notices: string[]
  /** Every version that the feed tells of, in its order. */
  all(of: IndexFeed, query?: string): Promise<string[]>
  /** Ends all feeds, so that what they heard is written. */
  close(): Promise<void>
}

async function makeBench(
  t: TestContext,
  wrap = (documents: DocumentStore): DocumentStore => documents,
): Promise<Bench> {
  const own = testScope(t, new FastWorld(100).world)
  const { services, scope } = own
  const store = await openTestStore(t, memory, [], own)
  const documents = wrap(store.documents)
  const notices: string[] = []
  const feeds = scope.child()
  return {
    documents,
    notices,
    feed: (wallClock = () => services.world.wallClock()) =>
      new IndexFeed({ documents, scope: feeds, world: { wallClock }, notify: (_level, text) => notices.push(text) }),
    all: async (of, query = '') =>
      readIndexLines((await of.serve(new URLSearchParams(query))).toString()).map((entry) => entry.version),
    close: () => feeds.close(),
  }
}

test('entries fill part after part, and pages by the last time seen give each of them', async (t) => {
  const bench = await makeBench(t)
  const feed = bench.feed()
  for (let at = 0; at < 1200; at++) {
    feed.stored(version(at))
    // Its zip comes later, and is nothing new.
    feed.stored(version(at, { size: 1, sha256: '', h1: 'h1:' }))
  }
  await bench.close()
  const names: string[] = []
  for await (const name of bench.documents.list('index/')) names.push(name)
  assert.equal(names.length, 3)
  assert.ok(names.every((name) => /^index\/\d{4}-\d\d-\d\d\/\d\d-\d\d-\d\d\.\d{6}Z-[0-9a-f]{12}$/.test(name)))
  const seen: string[] = []
  let since = ''
  for (;;) {
    const page = readIndexLines((await feed.serve(new URLSearchParams(`limit=100${since}`))).toString())
    const fresh = page.filter((entry) => !seen.includes(entry.version))
    if (fresh.length === 0) break
    seen.push(...fresh.map((entry) => entry.version))
    since = `&since=${new Date(fresh.at(-1)!.atUs / 1000).toISOString().slice(0, -1)}${String(fresh.at(-1)!.atUs % 1000).padStart(3, '0')}Z`
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 1200 }, (_, at) => `v1.0.${at}`),
  )
})

test('parts of two processes that write at the same time are one list in order', async (t) => {
  const bench = await makeBench(t)
  let now = Date.UTC(2026, 0, 1)
  const [one, two] = [bench.feed(() => now), bench.feed(() => now)]
  for (let at = 0; at < 1500; at++) {
    // More than an hour in all, so that there are parts before, over and behind any time.
    now += 5000
    ;(at % 3 === 0 ? one : two).stored(version(at))
    if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await bench.close()
  const expected = Array.from({ length: 1500 }, (_, at) => `v1.0.${at}`)
  assert.deepEqual(await bench.all(one), expected)
  for (const first of [0, 1, 300, 719, 720, 1499]) {
    const since = new Date(Date.UTC(2026, 0, 1) + (first + 1) * 5000).toISOString()
    assert.deepEqual(await bench.all(two, `since=${since}&limit=40`), expected.slice(first, first + 40), since)
  }
  assert.deepEqual(await bench.all(one, 'since=2026-01-01T01:00:05%2B01:00&limit=1'), ['v1.0.0'])
})

test('while the store fails entries wait, which is told once, and are written when it works again', async (t) => {
  let fails = true
  const bench = await makeBench(t, (documents) => ({
    get: (name) => documents.get(name),
    remove: (name) => documents.remove(name),
    list: (prefix, after) => documents.list(prefix, after),
    exclusively: (name, work, patience) => documents.exclusively(name, work, patience),
    put: (name, bytes) => (fails ? Promise.reject(new TurnpikeError('ERR_MODULE_STORE')) : documents.put(name, bytes)),
  }))
  const feed = bench.feed()
  for (let at = 0; at < 5; at++) {
    feed.stored(version(at))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(bench.notices, ['the index feed could not be written: it is tried again'])
  assert.deepEqual(await bench.all(feed), [])
  fails = false
  // The clock is a hundred times as fast: the next try comes after 50 ms.
  while ((await bench.all(feed)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(await bench.all(feed), ['v1.0.0', 'v1.0.1', 'v1.0.2', 'v1.0.3', 'v1.0.4'])
  await bench.close()
})

test('a clock that goes back, or stands, gives no two entries one time', async (t) => {
  const bench = await makeBench(t)
  let now = Date.UTC(2026, 0, 1)
  const feed = bench.feed(() => (now -= 1000))
  for (let at = 0; at < 10; at++) feed.stored(version(at))
  await bench.close()
  const entries = readIndexLines((await feed.serve(new URLSearchParams())).toString())
  assert.deepEqual(
    entries.map((entry) => entry.atUs - entries[0]!.atUs),
    Array.from({ length: 10 }, (_, at) => at),
  )
})
