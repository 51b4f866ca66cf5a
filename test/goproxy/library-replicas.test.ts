import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { goproxySchema, type StoreConfig } from '../../src/doors/goproxy/config.ts'
import { openCoordination } from '../../src/doors/goproxy/coordination/open-coordination.ts'
import { RedisClient } from '../../src/doors/goproxy/coordination/redis-client.ts'
import { redisAddress } from '../../src/doors/goproxy/coordination/redis-address.ts'
import { FixtureOrigin } from '../support/goproxy/fixture-origin.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { startRedis } from '../support/goproxy/redis-server.ts'
import { startS3Server } from '../support/goproxy/s3-server.ts'
import { ask, readZip, testLibrary, type TestLibrary } from '../support/goproxy/test-library.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const module = 'example.com/tool'
const wanted = [`info ${module}@v1.0.0`, `mod ${module}@v1.0.0`, `zip ${module}@v1.0.0`]

async function sharedFolder(t: TestContext): Promise<StoreConfig> {
  const folder = await mkdtemp(path.join(tmpdir(), 'turnpike-replicas-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return goproxySchema.parse({ store: { disk: { path: folder } } }).store
}

/** A library with an engine and a store of its own: to the others it is another process. */
async function replica(
  t: TestContext,
  origin: FixtureOrigin,
  store: StoreConfig,
  redisPort: number | null,
): Promise<TestLibrary> {
  const { coordination: config } = goproxySchema.parse(
    redisPort === null ? {} : { coordination: { redis: { url: `redis://127.0.0.1:${redisPort}` } } },
  )
  const place = testScope(t)
  const opened = await openTestStore(t, store, [], place)
  return testLibrary(t, {
    origin,
    store: () => opened,
    parts: { coordination: await openCoordination(config, opened.documents, place) },
  })
}

/** All replicas are asked a hundred times for the same cold version. */
async function stampede(t: TestContext, store: StoreConfig, redisPort: number | null): Promise<void> {
  const fixture = await makeModule(module, 'v1.0.0', { files: { 'large.bin': Buffer.alloc(300_000, 'turnpike\n') } })
  const origin = new FixtureOrigin([fixture])
  const replicas = await Promise.all([1, 2, 3].map(() => replica(t, origin, store, redisPort)))
  const zips = await Promise.all(
    replicas.flatMap(({ library }) =>
      Array.from({ length: 100 }, async () => readZip(await library.zip(module, 'v1.0.0', ask()))),
    ),
  )
  for (const bytes of zips) assert.ok(bytes.equals(fixture.zip))
  assert.deepEqual(origin.asked.toSorted(), wanted)
  for (const { notes } of replicas) assert.deepEqual(notes, [])
}

test('three replicas on one folder: 300 questions for a cold version are one fetch', async (t) => {
  await stampede(t, await sharedFolder(t), null)
})

test('three replicas on one folder with Redis: one fetch', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const redis = await startRedis()
  t.after(() => redis.stop())
  await stampede(t, await sharedFolder(t), redis.port)
})

test('three replicas on one bucket with Redis: one fetch', async (t) => {
  if (!requireProgram(t, 'redis-server', 'versitygw')) return
  const redis = await startRedis()
  t.after(() => redis.stop())
  const bucket = await startS3Server()
  t.after(() => bucket.peer.stop())
  await stampede(t, bucket.store(''), redis.port)
})

test('Redis that is killed in the middle of a fetch: every replica has right answers all the same', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const redis = await startRedis()
  const fixture = await makeModule(module, 'v1.0.0')
  const origin = new FixtureOrigin([fixture])
  let killed: Promise<void> | null = null
  origin.hook = async (what) => {
    if (what.startsWith('zip')) await (killed ??= redis.stop())
  }
  const store = await sharedFolder(t)
  const replicas = await Promise.all([1, 2].map(() => replica(t, origin, store, redis.port)))
  const zips = await Promise.all(
    replicas.map(async ({ library }) => readZip(await library.zip(module, 'v1.0.0', ask()))),
  )
  for (const bytes of zips) assert.ok(bytes.equals(fixture.zip))
  const kept = await replicas[0]!.store.get(module, 'v1.0.0')
  assert.equal(kept?.zip?.h1, fixture.h1)
})

test('a hold that is lost in the middle of a fetch: both fetch, one is kept, both are right', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const redis = await startRedis()
  t.after(() => redis.stop())
  const fixture = await makeModule(module, 'v1.0.0')
  const origin = new FixtureOrigin([fixture])
  const { services, scope } = testScope(t)
  const look = new RedisClient({ address: redisAddress({ url: `redis://127.0.0.1:${redis.port}` }), services, scope })
  const both = Promise.withResolvers<void>()
  origin.hook = async (what) => {
    if (!what.startsWith('zip')) return
    if (origin.times(what) === 2) both.resolve()
    assert.equal(await look.command('DEL', `turnpike:fetch:${module}@v1.0.0`), 1)
    await both.promise
  }
  const store = await sharedFolder(t)
  const replicas = await Promise.all([1, 2].map(() => replica(t, origin, store, redis.port)))
  const zips = await Promise.all(
    replicas.map(async ({ library }) => readZip(await library.zip(module, 'v1.0.0', ask()))),
  )
  for (const bytes of zips) assert.ok(bytes.equals(fixture.zip))
  assert.equal(origin.times(`zip ${module}@v1.0.0`), 2)
  assert.deepEqual(await replicas[0]!.store.versions(module), ['v1.0.0'])
  for (const { notes } of replicas) assert.deepEqual(notes, [])
})
