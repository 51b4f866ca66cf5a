import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { TurnpikeError } from '../../src/core/error.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer } from '../support/goproxy/proxy-origin.ts'
import { testChain, type TestChain } from '../support/goproxy/test-chain.ts'
import { portOf } from '../support/peers/free-port.ts'

const MODULE = 'example.com/pump'
const VERSION = 'v1.4.2'

interface Tried {
  /** 200, or the status of the error. */
  status: number
  message: string
  outcomes: string[]
  tookMs: number
}

async function tryMod({ chain, ask }: TestChain): Promise<Tried> {
  const question = ask()
  const startedAt = performance.now()
  const [status, message] = await chain.mod(MODULE, VERSION, question).then(
    () => [200, ''] as const,
    (error: unknown) =>
      error instanceof TurnpikeError ? ([error.status, error.message] as const) : assert.fail(String(error)),
  )
  const outcomes = question.trail.decisions.map(({ outcome }) => outcome)
  return { status, message, outcomes, tookMs: performance.now() - startedAt }
}

async function until(ready: () => boolean): Promise<void> {
  for (const start = performance.now(); !ready();) {
    assert.ok(performance.now() - start < 5_000, 'it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('G5 a black hole in front of `|` costs its connect deadline once, then nothing', async (t) => {
  const hole = await startBlackHole(t)
  const fixture = await makeModule(MODULE, VERSION)
  const next = await startProxyPeer(t, { modules: [fixture] })
  const url = `http://127.0.0.1:${hole}`
  const upstreams = { [url]: { timeouts: { connect: '200ms' }, health: { interval: '10s', unhealthyAfter: 3 } } }
  const made = testChain(t, { chain: `${url}|${next.url}`, upstreams })
  const first = await tryMod(made)
  assert.deepEqual([first.status, first.outcomes], [200, ['ERR_CONNECT_TIMEOUT', '200']])
  assert.ok(first.tookMs >= 190 && first.tookMs < 1_500, `${first.tookMs} ms`)
  const dials = made.services.ledger.snapshot().dials.total
  for (let turn = 0; turn < 10; turn++) {
    const later = await tryMod(made)
    assert.deepEqual([later.status, later.outcomes], [200, ['down', '200']])
    assert.ok(later.tookMs < 190, `${later.tookMs} ms`)
  }
  assert.equal(made.services.ledger.snapshot().dials.total, dials, 'nobody dials it any more')
  const [member] = made.chain.members
  assert.equal(member!.health!.healthy, false)
  assert.match(member!.health!.lastError!.message, /timer: connect/)
  assert.equal(member!.failed, 11)
})

test('G4 a member that is down and stands before `,` is an error at once, and never a walk on', async (t) => {
  const fixture = await makeModule(MODULE, VERSION)
  const next = await startProxyPeer(t, { modules: [fixture] })
  const broken = await startProxyPeer(t, { script: (_request, response) => response.writeHead(500).end() })
  const upstreams = { [broken.url]: { health: { interval: '10s', unhealthyAfter: 2 } } }
  const made = testChain(t, { chain: `${broken.url},${next.url}`, upstreams })
  const tried = [await tryMod(made), await tryMod(made), await tryMod(made)]
  assert.deepEqual(
    tried.map(({ status, outcomes }) => [status, ...outcomes]),
    [
      [502, '500'],
      [502, '500'],
      [502, 'down'],
    ],
  )
  assert.match(tried[2]!.message, /Passed over while it is down: .*answered 500/)
  assert.equal(broken.asked.length, 2)
  assert.deepEqual(next.asked, [])
})

test('a member comes back when a probe succeeds, and probes end', async (t) => {
  const fixture = await makeModule(MODULE, VERSION)
  let ill = true
  const member = await startProxyPeer(t, {
    modules: [fixture],
    script: (_request, response) => ill && response.writeHead(503).end(),
  })
  const upstreams = { [member.url]: { health: { interval: '20ms', timeout: '1s', unhealthyAfter: 1 } } }
  const made = testChain(t, { chain: member.url, upstreams })
  assert.equal((await tryMod(made)).status, 502)
  await until(() => member.times('/') >= 2)
  assert.deepEqual((await tryMod(made)).outcomes, ['down'], 'a probe that fails changes nothing')
  ill = false
  await until(() => made.chain.members[0]!.health!.healthy)
  assert.equal((await tryMod(made)).status, 200)
  const asked = member.times('/')
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(member.times('/'), asked, 'who is up is not probed')
  assert.deepEqual(
    made.notes.map(({ level, message }) => `${level} ${message}`),
    ['warn a member of the module chain is down', 'info a member of the module chain is up again'],
  )
  const { found, notFound, failed, health } = made.chain.members[0]!
  assert.deepEqual([found, notFound, failed], [1, 0, 2])
  assert.ok(health!.latencyMs! > 0)
})

test('a refused connection counts one failure, an answer of any kind ends the row, 404 and 429 are none', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  const refused = testChain(t, { chain: `http://127.0.0.1:${port}` })
  for (const outcome of ['ERR_CONNECT_REFUSED', 'ERR_CONNECT_REFUSED', 'ERR_CONNECT_REFUSED', 'down'])
    assert.deepEqual((await tryMod(refused)).outcomes, [outcome])
  const answers = [500, 500, 404, 500, 500, 429, 500, 500, 200]
  const left = answers.slice()
  const member = await startProxyPeer(t, {
    script: (_request, response) => response.writeHead(left.shift()!).end('module example.com/pump\n'),
  })
  const made = testChain(t, { chain: member.url })
  for (const status of answers) assert.deepEqual((await tryMod(made)).outcomes, [String(status)])
})

test('a probe that hangs is given up, and the scope ends it', async (t) => {
  const member = await startProxyPeer(t, {
    script: (request, response) => {
      if (request.url !== '/') response.writeHead(500).end()
      return true
    },
  })
  const upstreams = { [member.url]: { health: { interval: '10ms', timeout: '50ms', unhealthyAfter: 1 } } }
  const made = testChain(t, { chain: member.url, upstreams })
  await tryMod(made)
  await until(() => member.times('/') >= 2)
  assert.equal(made.services.ledger.count('ownRequests') <= 1, true, 'one at a time')
  assert.match(made.chain.members[0]!.health!.lastError!.message, /timer: firstByte|answered 500/)
})
