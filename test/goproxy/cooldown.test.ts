import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { goproxySchema } from '../../src/doors/goproxy/config.ts'
import type { DatabaseAges } from '../../src/doors/goproxy/library/library-parts.ts'
import { MemoryDocuments } from '../../src/doors/goproxy/store/memory-documents.ts'
import { SumdbMirror } from '../../src/doors/goproxy/trust/sumdb-mirror.ts'
import { FixtureOrigin } from '../support/goproxy/fixture-origin.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'
import { ask, codeOf, TestClock, testLibrary } from '../support/goproxy/test-library.ts'
import { testScope } from '../support/goproxy/test-scope.ts'

const DAY = 86_400_000
const module = 'example.com/tool'

test('a version that the checksum database had three days ago is old enough, though nobody asked for it here', async (t) => {
  const clock = new TestClock()
  const database = await SumdbServer.start(t)
  const [old, young] = [await makeModule(module, 'v1.0.0'), await makeModule(module, 'v1.1.0')]
  await database.add(old)
  const { services, scope } = testScope(t)
  const config = goproxySchema.parse({ cooldown: '72h', sumdb: { name: database.name, key: database.verifierKey } })
  const mirror = new SumdbMirror({
    config: { ...config, sumdb: config.sumdb! },
    services: {
      notify: () => {},
      world: {
        ...services.world,
        wallClock: () => Date.now() + clock.aheadMs,
        now: () => performance.now() + clock.aheadMs,
      },
    },
    scope,
    documents: new MemoryDocuments(services.world),
    isPrivate: () => false,
    remote: async (path, signal) => {
      const reply = await fetch(database.url + path, { signal })
      if (reply.status !== 200)
        throw new TurnpikeError(reply.status === 404 ? 'ERR_MODULE_NOT_FOUND' : 'ERR_MODULE_UPSTREAM')
      return Buffer.from(await reply.arrayBuffer())
    },
  })
  const never = new AbortController().signal
  await mirror.serve('/latest', never)
  clock.aheadMs = 3 * DAY + 1000
  await database.add(young)
  const origin = new FixtureOrigin([old, young])
  const { library } = await testLibrary(t, {
    origin,
    clock,
    config: { cooldown: '72h' },
    parts: { trust: mirror, ages: mirror },
  })
  assert.equal((await library.mod(module, 'v1.0.0', ask())).cache, 'miss')
  assert.equal(await codeOf(library.mod(module, 'v1.1.0', ask())), 'ERR_MODULE_COOLDOWN')
  assert.equal((await library.list(module, ask())).bytes.toString(), 'v1.0.0\n')
  assert.match((await library.latest(module, ask())).bytes.toString(), /"v1\.0\.0"/)
  clock.aheadMs = 7 * DAY
  assert.equal((await library.mod(module, 'v1.1.0', ask())).cache, 'hit')
})

test('of a long list that is new here, only the newest versions are asked about', async (t) => {
  const versions = Array.from({ length: 30 }, (_, at) => `v1.${at}.0`)
  const asked: string[] = []
  const ages: DatabaseAges = {
    firstSeen: (_module, version) => {
      asked.push(version)
      return Promise.resolve(version === 'v1.29.0' ? Date.now() : 0)
    },
  }
  const origin = new FixtureOrigin(await Promise.all(versions.map((version) => makeModule(module, version))))
  const { library } = await testLibrary(t, { origin, config: { cooldown: '72h' }, parts: { ages } })
  const list = (await library.list(module, ask())).bytes.toString().split('\n').filter(Boolean)
  assert.deepEqual(list, versions.slice(10, 29))
  assert.deepEqual(asked.toSorted(), versions.slice(10).toSorted())
})
