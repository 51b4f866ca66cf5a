import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Answer } from '../../src/doors/goproxy/library/answer.ts'
import { FixtureOrigin, gone, outage } from '../support/goproxy/fixture-origin.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { ask, codeOf, TestClock, testLibrary } from '../support/goproxy/test-library.ts'

const MINUTE = 60_000
const module = 'example.com/tool'

async function originWith(...versions: string[]): Promise<FixtureOrigin> {
  return new FixtureOrigin(await Promise.all(versions.map((version) => makeModule(module, version))))
}

const textOf = (answer: Answer): string => answer.bytes.toString()

test('G11 a list has canonical versions only, each once, sorted, and no pseudo-versions', async (t) => {
  const origin = await originWith('v1.10.0')
  origin.list = () =>
    Promise.resolve(['v1.10.0', 'v1.2.0', 'v9', 'v1.2', 'v1.2.0', 'v0.0.0-20240203040506-0123456789ab', 'v1.3.0-rc.1'])
  const { library } = await testLibrary(t, { origin })
  const list = await library.list(module, ask())
  assert.equal(textOf(list), 'v1.2.0\nv1.3.0-rc.1\nv1.10.0\n')
  assert.equal(list.cache, 'miss')
})

test('a module without tags has an empty list', async (t) => {
  const origin = await originWith('v1.0.0')
  origin.list = () => Promise.resolve([])
  const { library } = await testLibrary(t, { origin })
  assert.equal(textOf(await library.list(module, ask())), '')
})

test('a list is fresh, then stale at once with one refresh behind it, then new', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library, scope } = await testLibrary(t, { origin, clock })
  assert.equal((await library.list(module, ask())).cache, 'miss')
  assert.equal((await library.list(module, ask())).cache, 'hit')
  origin.modules.push(await makeModule(module, 'v1.1.0'))
  clock.aheadMs = 2 * MINUTE
  const { promise: answered, resolve: answerNow } = Promise.withResolvers<void>()
  origin.hook = () => answered
  const stale = await Promise.all(Array.from({ length: 50 }, () => library.list(module, ask())))
  for (const each of stale) {
    assert.equal(each.cache, 'stale')
    assert.equal(textOf(each), 'v1.0.0\n')
    assert.ok(each.freshUntilMs <= performance.now() + clock.aheadMs, 'what is stale is not to be repeated')
  }
  answerNow()
  // Whoever asks while it is asked for is told what is known; the refresh is done when the list is fresh again.
  for (;;) {
    const next = await library.list(module, ask())
    if (next.cache === 'hit') {
      assert.equal(textOf(next), 'v1.0.0\nv1.1.0\n')
      break
    }
    await new Promise((resolve) => scope.after(1, () => resolve(null)))
  }
  assert.equal(origin.times(`list ${module}`), 2)
})

test('an answer ten times as old as it is fresh is waited for', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, { origin, clock })
  await library.list(module, ask())
  origin.modules.push(await makeModule(module, 'v1.1.0'))
  clock.aheadMs = 11 * MINUTE
  const list = await library.list(module, ask())
  assert.equal(list.cache, 'miss')
  assert.equal(textOf(list), 'v1.0.0\nv1.1.0\n')
})

test('G9 while nobody can be asked the last answer is given, a day long, and an error after that', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, { origin, clock })
  await library.list(module, ask())
  origin.hook = () => {
    throw outage()
  }
  clock.aheadMs = 60 * MINUTE
  assert.equal((await library.list(module, ask())).cache, 'stale')
  const asked = origin.times(`list ${module}`)
  assert.equal((await library.list(module, ask())).cache, 'stale')
  assert.equal(origin.times(`list ${module}`), asked, 'it is left alone for a while')
  clock.aheadMs = 25 * 60 * MINUTE
  assert.equal(await codeOf(library.list(module, ask())), 'ERR_MODULE_UPSTREAM')
  origin.hook = () => {}
  assert.equal((await library.list(module, ask())).cache, 'miss')
})

test('G9 an outage is no absence: it is not remembered', async (t) => {
  const origin = await originWith('v1.0.0')
  origin.hook = () => {
    throw outage()
  }
  const { library } = await testLibrary(t, { origin })
  assert.equal(await codeOf(library.list(module, ask())), 'ERR_MODULE_UPSTREAM')
  origin.hook = () => {}
  assert.equal((await library.list(module, ask())).cache, 'miss')
})

test('G7 what does not exist is asked for once in ten minutes', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, { origin, clock })
  const questions = {
    'list example.com/none': () => library.list('example.com/none', ask()),
    'latest example.com/none': () => library.latest('example.com/none', ask()),
    'info example.com/none@main': () => library.info('example.com/none', 'main', ask()),
    'mod example.com/none@v1.0.0': () => library.mod('example.com/none', 'v1.0.0', ask()),
    'info example.com/tool@v1.9.9': () => library.info(module, 'v1.9.9', ask()),
  }
  for (const [what, question] of Object.entries(questions)) {
    await assert.rejects(question, { code: 'ERR_MODULE_NOT_FOUND', status: 404, fields: [] })
    await assert.rejects(question, { status: 404, fields: [['X-Cache', 'negative']], message: / not found$/ }, what)
    assert.equal(origin.times(what), 1, what)
    clock.aheadMs += 11 * MINUTE
    await assert.rejects(question, { status: 404, fields: [] })
    assert.equal(origin.times(what), 2, what)
  }
})

test('a module that is gone from the origin is gone', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, { origin, clock })
  await library.list(module, ask())
  origin.hook = () => {
    throw gone(module)
  }
  clock.aheadMs = 30 * MINUTE
  assert.equal(await codeOf(library.list(module, ask())), 'ERR_MODULE_NOT_FOUND')
})

test('G13 a branch resolves, what it resolved to is kept, and the branch is asked for again when it is old', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0', 'v0.0.0-20240203040506-0123456789ab')
  origin.queries.set(`${module}@feature/x`, 'v0.0.0-20240203040506-0123456789ab')
  const { library, store, scope } = await testLibrary(t, { origin, clock })
  const info = await library.info(module, 'feature/x', ask())
  assert.match(textOf(info), /"Version":"v0.0.0-20240203040506-0123456789ab"/)
  assert.equal((await library.info(module, 'feature/x', ask())).cache, 'hit')
  while ((await store.get(module, 'v0.0.0-20240203040506-0123456789ab')) === null) {
    await new Promise((resolve) => scope.after(1, () => resolve(null)))
  }
  assert.equal(origin.times(`info ${module}@v0.0.0-20240203040506-0123456789ab`), 0, 'its .info was there already')
  origin.queries.set(`${module}@feature/x`, 'v1.0.0')
  clock.aheadMs = 11 * MINUTE
  assert.match(textOf(await library.info(module, 'feature/x', ask())), /"Version":"v1.0.0"/)
})

test('G13 v2.0.0 of a module without /v2 is a query, not a version', async (t) => {
  const origin = await originWith('v2.0.0+incompatible')
  origin.queries.set(`${module}@v2.0.0`, 'v2.0.0+incompatible')
  const { library } = await testLibrary(t, { origin })
  assert.match(textOf(await library.info(module, 'v2.0.0', ask())), /"Version":"v2.0.0\+incompatible"/)
})

test('G20 without fetching, and offline, what was asked before is answered and the rest is not kept', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  origin.queries.set(`${module}@main`, 'v1.0.0')
  const { library, store } = await testLibrary(t, { origin, clock })
  await library.list(module, ask())
  await library.latest(module, ask())
  await library.info(module, 'main', ask())
  await library.mod(module, 'v1.0.0', ask())
  const before = origin.asked.length
  clock.aheadMs = 30 * 24 * 60 * MINUTE
  const later = await testLibrary(t, { origin, clock, store: () => store, config: { offline: true } })
  for (const [each, question] of [
    [library, ask({ fetch: false })],
    [later.library, ask()],
  ] as const) {
    assert.equal(textOf(await each.list(module, question)), 'v1.0.0\n')
    assert.match(textOf(await each.latest(module, question)), /v1\.0\.0/)
    assert.match(textOf(await each.info(module, 'main', question)), /v1\.0\.0/)
    assert.equal((await each.mod(module, 'v1.0.0', question)).cache, 'hit')
    assert.equal(await codeOf(each.zip(module, 'v1.0.0', question)), 'ERR_MODULE_NOT_KEPT')
    assert.equal(await codeOf(each.list('example.com/other', question)), 'ERR_MODULE_NOT_KEPT')
    assert.equal(await codeOf(each.latest('example.com/other', question)), 'ERR_MODULE_NOT_KEPT')
    assert.equal(await codeOf(each.info(module, 'v1.1.0', question)), 'ERR_MODULE_NOT_KEPT')
  }
  assert.equal(origin.asked.length, before)
})

test('after a restart a list is as fresh as it was, and another replica has it too', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const first = await testLibrary(t, { origin, clock })
  await first.library.list(module, ask())
  clock.aheadMs = MINUTE / 2
  const second = await testLibrary(t, { origin, clock, store: () => first.store })
  assert.equal((await second.library.list(module, ask())).cache, 'hit')
  clock.aheadMs = MINUTE * 1.5
  assert.equal((await second.library.list(module, ask())).cache, 'stale')
})

test('200 questions for one list are one question to the origin, and all get the trail', async (t) => {
  const origin = await originWith('v1.0.0')
  const { promise: answered, resolve: answerNow } = Promise.withResolvers<void>()
  origin.hook = () => answered
  const { library } = await testLibrary(t, { origin })
  const questions = Array.from({ length: 200 }, () => ask())
  const answers = Promise.all(questions.map((question) => library.list(module, question)))
  answerNow()
  for (const answer of await answers) assert.equal(textOf(answer), 'v1.0.0\n')
  for (const { trail } of questions) assert.match(trail.toString(), /^https:\/\/origin\.test 200 1ms$/)
  assert.equal(origin.times(`list ${module}`), 1)
})

test('a question that everybody gave up is given up; one that somebody waits for is not', async (t) => {
  const origin = await originWith('v1.0.0')
  let told: AbortSignal | null = null
  const begun = Promise.withResolvers<void>()
  origin.hook = (_what, { signal }) => {
    told = signal
    begun.resolve()
    return once(signal, 'abort').then(() => signal.throwIfAborted())
  }
  const { library } = await testLibrary(t, { origin })
  const leavers = [new AbortController(), new AbortController()]
  const waiting = leavers.map(({ signal }) => library.list(module, ask({ signal })))
  await begun.promise
  leavers[0]!.abort(new Error('left'))
  await assert.rejects(waiting[0]!, /left/)
  assert.equal(told!.aborted, false)
  leavers[1]!.abort(new Error('left'))
  await assert.rejects(waiting[1]!, /left/)
  assert.equal(told!.aborted, true)
  origin.hook = () => {}
  assert.equal((await library.list(module, ask())).cache, 'miss')
})

test('no more questions than concurrentFetches are open at a time, and each gets its turn', async (t) => {
  const modules = Array.from({ length: 20 }, (_, at) => `example.com/m${at}`)
  const origin = new FixtureOrigin(await Promise.all(modules.map((each) => makeModule(each, 'v1.0.0'))))
  let open = 0
  let most = 0
  origin.hook = async () => {
    most = Math.max(most, ++open)
    await new Promise((resolve) => setImmediate(resolve))
    open--
  }
  const { library } = await testLibrary(t, { origin, config: { limits: { concurrentFetches: 3 } } })
  const lists = await Promise.all(modules.map((each) => library.list(each, ask())))
  assert.equal(lists.length, 20)
  assert.equal(most, 3)
})

test('a denied module is refused before anybody is asked', async (t) => {
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, { origin, config: { deny: ['example.com'] } })
  assert.equal(await codeOf(library.list(module, ask())), 'ERR_MODULE_DENIED')
  assert.equal(await codeOf(library.latest(module, ask())), 'ERR_MODULE_DENIED')
  assert.equal(await codeOf(library.info(module, 'main', ask())), 'ERR_MODULE_DENIED')
  assert.equal(await codeOf(library.info(module, 'v1.0.0', ask())), 'ERR_MODULE_DENIED')
  assert.equal(await codeOf(library.zip(module, 'v1.0.0', ask())), 'ERR_MODULE_DENIED')
  assert.deepEqual(origin.asked, [])
})

test('a version that is too young is in no list, is not the latest, and is refused until it is old enough', async (t) => {
  const clock = new TestClock()
  const origin = await originWith('v1.0.0')
  const { library } = await testLibrary(t, {
    origin,
    clock,
    config: { cooldown: '72h', freshness: { list: '1s', latest: '1s' } },
  })
  assert.equal(textOf(await library.list(module, ask())), '')
  assert.equal(await codeOf(library.latest(module, ask())), 'ERR_MODULE_COOLDOWN')
  assert.equal(await codeOf(library.info(module, 'v1.0.0', ask())), 'ERR_MODULE_COOLDOWN')
  clock.aheadMs = 73 * 60 * MINUTE
  origin.modules.push(await makeModule(module, 'v1.1.0'))
  origin.queries.set(`${module}@main`, 'v1.1.0')
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\n')
  assert.match(textOf(await library.latest(module, ask())), /v1\.0\.0/)
  assert.equal(await codeOf(library.info(module, 'v1.1.0', ask())), 'ERR_MODULE_COOLDOWN')
  assert.equal(await codeOf(library.info(module, 'main', ask())), 'ERR_MODULE_COOLDOWN')
  assert.equal(await codeOf(library.zip(module, 'v1.1.0', ask())), 'ERR_MODULE_COOLDOWN')
  assert.equal(origin.times(`zip ${module}@v1.1.0`), 0)
  // Listed three days ago, though wanted for the first time only now.
  clock.aheadMs = 2 * 73 * 60 * MINUTE
  assert.equal((await library.zip(module, 'v1.1.0', ask()).then(async (zip) => (await zip.close(), zip))).cache, 'miss')
  assert.equal(textOf(await library.list(module, ask())), 'v1.0.0\nv1.1.0\n')
})
