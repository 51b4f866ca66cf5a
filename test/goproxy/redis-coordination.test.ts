import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { FileText } from '../../src/core/file-text.ts'
import { Secret } from '../../src/core/secret.ts'
import { RedisClient } from '../../src/doors/goproxy/coordination/redis-client.ts'
import { redisAddress, type RedisConfig } from '../../src/doors/goproxy/coordination/redis-address.ts'
import { RedisCoordination } from '../../src/doors/goproxy/coordination/redis-coordination.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { testCertificate } from '../support/certificates.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { startRedis, type RedisPlan } from '../support/goproxy/redis-server.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import type { Peer } from '../support/peers/spawn-peer.ts'

interface Replica {
  coordination: RedisCoordination
  notes: string[]
}

function replica(t: TestContext, url: string, more: Partial<RedisConfig> = {}): Replica {
  const { services: real, scope } = testScope(t)
  const notes: string[] = []
  const services = { ...real, notify: (_level: string, message: string) => notes.push(message) }
  return { coordination: new RedisCoordination({ url, ...more }, services, scope), notes }
}

/** A client of the test's own, to look into the server with. */
function inspector(t: TestContext, port: number, password = ''): RedisClient {
  const { services, scope } = testScope(t)
  return new RedisClient({ address: redisAddress({ url: `redis://:${password}@127.0.0.1:${port}` }), services, scope })
}

async function redis(t: TestContext, plan: RedisPlan = {}): Promise<Peer> {
  const server = await startRedis(plan)
  t.after(() => server.stop())
  return server
}

const never = new AbortController().signal
const tick = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('one works at a time across replicas, and what nobody holds is gone', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  const replicas = Array.from({ length: 3 }, () => replica(t, `redis://127.0.0.1:${port}/2`))
  let working = 0
  let done = 0
  await Promise.all(
    replicas.map(({ coordination }) =>
      coordination.exclusively('example.com/a@v1.0.0', never, async () => {
        assert.equal(++working, 1)
        await tick(30)
        working--
        done++
      }),
    ),
  )
  assert.equal(done, 3)
  const look = inspector(t, port)
  await look.command('SELECT', '2')
  assert.deepEqual(await look.command('KEYS', '*'), [])
  assert.deepEqual(
    replicas.flatMap(({ notes }) => notes),
    [],
  )
})

test('different versions do not wait for one another; who gives up waiting is told why', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  const [first, second] = [replica(t, `redis://127.0.0.1:${port}`), replica(t, `redis://127.0.0.1:${port}`)]
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const holding = first.coordination.exclusively('a', never, () => {
    begun.resolve()
    return released
  })
  await begun.promise
  assert.equal(await second.coordination.exclusively('b', never, () => Promise.resolve('b')), 'b')
  const impatient = new AbortController()
  const waiting = second.coordination.exclusively('a', impatient.signal, () => Promise.resolve('never'))
  impatient.abort(new Error('left'))
  await assert.rejects(waiting, /left/)
  release()
  await holding
})

test('what the work throws is thrown, and its hold ends', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  const { coordination } = replica(t, `redis://127.0.0.1:${port}`)
  await assert.rejects(
    coordination.exclusively('a', never, () => Promise.reject(new Error('broken'))),
    /broken/,
  )
  assert.equal(await coordination.exclusively('a', never, () => Promise.resolve(1)), 1)
})

test('a hold that was lost midway does no harm to who got it', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  const [first, second] = [replica(t, `redis://127.0.0.1:${port}`), replica(t, `redis://127.0.0.1:${port}`)]
  const look = inspector(t, port)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const losing = first.coordination.exclusively('a', never, async () => {
    begun.resolve()
    await look.command('DEL', 'turnpike:fetch:a')
    await released
    return 'first'
  })
  await begun.promise
  const held = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const winning = second.coordination.exclusively('a', never, async () => {
    held.resolve()
    await ended.promise
    return 'second'
  })
  await held.promise
  release()
  assert.equal(await losing, 'first')
  assert.equal(typeof (await look.command('GET', 'turnpike:fetch:a')), 'string', "the other's hold was left alone")
  ended.resolve()
  assert.equal(await winning, 'second')
  assert.equal(await look.command('GET', 'turnpike:fetch:a'), null)
})

test('a hold has an end by itself, which its holder moves on', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  const { coordination } = replica(t, `redis://127.0.0.1:${port}`)
  const look = inspector(t, port)
  await coordination.exclusively('a', never, async () => {
    const left = await look.command('PTTL', 'turnpike:fetch:a')
    assert.ok(typeof left === 'number' && left > 0 && left <= 10_000)
    await look.command('PEXPIRE', 'turnpike:fetch:a', '4000')
    for (;;) {
      const now = await look.command('PTTL', 'turnpike:fetch:a')
      if (typeof now === 'number' && now > 5000) break
      await tick(50)
    }
  })
})

test('without a server each works alone, people are told once, and again when it is back', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const server = await startRedis()
  const { coordination, notes } = replica(t, `redis://127.0.0.1:${server.port}`)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const holding = coordination.exclusively('a', never, async () => {
    begun.resolve()
    await released
    return 'kept'
  })
  await begun.promise
  await server.stop()
  release()
  assert.equal(await holding, 'kept')
  while (notes.length === 0) await tick()
  const began = performance.now()
  for (let at = 0; at < 100; at++) await coordination.exclusively(`b${at}`, never, () => Promise.resolve(at))
  assert.ok(performance.now() - began < 100, 'a server that is away costs nothing')
  assert.deepEqual(notes, ['Redis is away: fetches are not shared with other replicas'])
  await redis(t, { port: server.port })
  while (notes.length === 1) await tick()
  assert.deepEqual(notes.slice(1), ['Redis is back: fetches are shared with the other replicas again'])
  await coordination.exclusively('c', never, async () => {
    assert.equal(typeof (await inspector(t, server.port).command('GET', 'turnpike:fetch:c')), 'string')
  })
})

test('a server that answers nothing costs its deadline once', async (t) => {
  const port = await startBlackHole(t)
  const { coordination, notes } = replica(t, `redis://127.0.0.1:${port}`)
  assert.equal(await coordination.exclusively('a', never, () => Promise.resolve(1)), 1)
  const began = performance.now()
  assert.equal(await coordination.exclusively('a', never, () => Promise.resolve(2)), 2)
  assert.ok(performance.now() - began < 50)
  assert.equal(notes.length, 1)
})

test('a password is given where one is wanted, from the config or the URL, and never told', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t, { password: 'open:sesame' })
  for (const { coordination, notes } of [
    replica(t, `redis://127.0.0.1:${port}`, { password: Secret.of('open:sesame') }),
    replica(t, `redis://:open%3Asesame@127.0.0.1:${port}`),
    replica(t, `redis://default:open%3Asesame@127.0.0.1:${port}`),
  ]) {
    await coordination.exclusively('a', never, async () => {
      const look = inspector(t, port, 'open%3Asesame')
      assert.equal(typeof (await look.command('GET', 'turnpike:fetch:a')), 'string')
    })
    assert.deepEqual(notes, [])
  }
  const wrong = replica(t, `redis://:guess-1234@127.0.0.1:${port}`)
  assert.equal(await wrong.coordination.exclusively('a', never, () => Promise.resolve(1)), 1)
  assert.equal(wrong.notes.length, 1)
  assert.equal(redisAddress({ url: `redis://:guess-1234@127.0.0.1:${port}` }).name, `redis://127.0.0.1:${port}`)
})

test('rediss:// is verified: against the authority of the config, and not without it', async (t) => {
  if (!requireProgram(t, 'redis-server', 'openssl')) return
  const certificate = testCertificate({ subject: 'redis.test', names: ['IP:127.0.0.1'], authority: true })
  const { port } = await redis(t, { certificate, password: 'sesame' })
  const url = `rediss://:sesame@127.0.0.1:${port}/1`
  const ca = new FileText(certificate.certFile)
  ca.fill(certificate.certFile, certificate.cert)
  const [first, second] = [replica(t, url, { ca }), replica(t, url, { ca })]
  let working = 0
  const work = async (): Promise<void> => {
    assert.equal(++working, 1)
    await tick(20)
    working--
  }
  await Promise.all([first, second].map(({ coordination }) => coordination.exclusively('a', never, work)))
  assert.deepEqual([...first.notes, ...second.notes], [])
  const doubting = replica(t, url)
  await doubting.coordination.exclusively('a', never, work)
  assert.deepEqual(doubting.notes, ['Redis is away: fetches are not shared with other replicas'])
})

test('a server that refuses the commands is told of once, and worked without', async (t) => {
  if (!requireProgram(t, 'redis-server')) return
  const { port } = await redis(t)
  await inspector(t, port).command('ACL', 'SETUSER', 'reader', 'on', 'nopass', 'allkeys', '-@all', '+ping', '+get')
  const { coordination, notes } = replica(t, `redis://reader:any@127.0.0.1:${port}`)
  for (const key of ['a', 'b'])
    assert.equal(await coordination.exclusively(key, never, () => Promise.resolve(key)), key)
  assert.deepEqual(notes, ['Redis refuses what sharing fetches takes'])
})
