import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startBlackHole } from '../support/black-hole.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

interface Held {
  arrived: number
  /** Answers the oldest request that waits. */
  release(): void
}

/** An origin whose replies wait for the test. */
async function heldOrigin(t: TestContext): Promise<Held & { port: number }> {
  const waiting: (() => void)[] = []
  const held = { arrived: 0, release: () => waiting.shift()!() }
  const { port } = await startOrigin(
    t,
    answering(async () => {
      held.arrived++
      await new Promise<void>((resolve) => waiting.push(resolve))
      return ok('done')
    }),
  )
  return Object.assign(held, { port })
}

async function clients(gateway: TestGateway, count: number): Promise<RawPeer[]> {
  const made: RawPeer[] = []
  for (let at = 0; at < count; at++) made.push(await gateway.connect())
  return made
}

const only = (gateway: TestGateway): { inFlight: number; queued: number } => {
  const [cluster] = gateway.turnpike.generation.clusters.values()
  return cluster!.admission!
}

test('admission: so many in flight, so many queued in order, the rest is shed with 503; then all is as before', async (t) => {
  const origin = await heldOrigin(t)
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { admission: { maxInFlight: 2, queue: 2, queueTimeout: '30s' } },
  })
  const all = await clients(gateway, 5)
  for (const [at, client] of all.entries()) {
    client.send(get())
    await gateway.when(() => only(gateway).inFlight + only(gateway).queued === Math.min(at + 1, 4), `request ${at}`)
  }
  const shed = await all[4]!.reply()
  assert.deepEqual([shed.status, gateway.log[0]!.cause], [503, 'ERR_QUEUE_FULL'])
  assert.equal(shed.field('retry-after'), '30')
  await gateway.when(() => origin.arrived === 2, 'two requests')
  assert.equal(gateway.count('queuedExchanges'), 2)
  for (let at = 0; at < 4; at++) {
    await gateway.when(() => origin.arrived >= Math.min(at + 2, 4), 'the next of the queue')
    origin.release()
    assert.equal((await all[at]!.reply()).status, 200)
  }
  const log = await gateway.logged(5)
  assert.deepEqual(
    log.slice(1).map(({ queueMs }) => queueMs !== undefined),
    [false, false, true, true],
  )
  assert.deepEqual([only(gateway).inFlight, only(gateway).queued], [0, 0])
})

test('admission: a queue has a deadline; a client that goes away leaves it', async (t) => {
  const origin = await heldOrigin(t)
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { admission: { maxInFlight: 1, queue: 2, queueTimeout: '120ms' } },
  })
  const [first, second, third] = await clients(gateway, 3)
  first!.send(get())
  await gateway.when(() => origin.arrived === 1, 'the first')
  second!.send(post('x'))
  third!.send(get())
  await gateway.when(() => only(gateway).queued === 2, 'the queue')
  third!.reset()
  const reply = await second!.reply()
  assert.deepEqual([reply.status, gateway.count('queuedExchanges')], [503, 0])
  const causes = (await gateway.logged(2)).map(({ cause }) => cause)
  assert.deepEqual(causes, ['ERR_CLIENT_ABORT', 'ERR_QUEUE_TIMEOUT'])
  origin.release()
  assert.equal((await first!.reply()).status, 200)
  assert.equal(origin.arrived, 1)
})

test('W9 a circuit opens by failures, sheds with its own cause, tries again, and closes', async (t) => {
  let failing = true
  const origin = await startOrigin(
    t,
    answering(() => (failing ? 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n' : ok('fine'))),
  )
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { circuitBreaker: { consecutiveFailures: 3, openFor: '150ms', halfOpenRequests: 1 } },
  })
  const [cluster] = gateway.turnpike.generation.clusters.values()
  const state = (): string => cluster!.members[0]!.breaker!.state(gateway.turnpike.services.world.now())
  const client = await gateway.connect()
  const ask = async (): Promise<number> => {
    client.send(get())
    return (await client.reply()).status
  }
  assert.deepEqual([await ask(), await ask(), state()], [500, 500, 'closed'])
  assert.deepEqual([await ask(), state()], [500, 'open'])
  client.send(get())
  const shed = await client.reply()
  assert.deepEqual([shed.status, origin.requests.length], [503, 3])
  assert.equal(shed.field('retry-after'), '1')
  assert.equal((await gateway.logged(4))[3]!.cause, 'ERR_CIRCUIT_OPEN')
  await gateway.when(() => state() === 'halfOpen', 'half-open')
  assert.deepEqual([await ask(), state()], [500, 'open'], 'the trial failed')
  await gateway.when(() => state() === 'halfOpen', 'half-open')
  failing = false
  assert.deepEqual([await ask(), state(), await ask()], [200, 'closed', 200])
})

test('a circuit is the endpoint’s own: the others serve on', async (t) => {
  const broken = await startOrigin(
    t,
    answering(() => 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n'),
  )
  const fine = await startOrigin(t)
  const gateway = await startGateway(t, {
    to: [broken.port, fine.port],
    upstream: { circuitBreaker: { errorRate: '50%', minRequests: 4, openFor: '60s' } },
  })
  const client = await gateway.connect()
  for (let at = 0; at < 20; at++) {
    client.send(get())
    await client.reply()
  }
  assert.deepEqual([broken.requests.length, fine.requests.length], [4, 16])
})

test('half-open: a trial whose client goes away makes room for another', async (t) => {
  let answers = true
  const origin = await startOrigin(t, async (connection) => {
    while ((await connection.request()) !== null)
      if (answers) connection.send('HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n')
  })
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { circuitBreaker: { consecutiveFailures: 1, openFor: '50ms' } },
  })
  const [cluster] = gateway.turnpike.generation.clusters.values()
  const { breaker } = cluster!.members[0]!
  const { world } = gateway.turnpike.services
  const [first, second] = await clients(gateway, 2)
  first!.send(get())
  await first!.reply()
  await gateway.when(() => breaker!.state(world.now()) === 'halfOpen', 'half-open')
  answers = false
  first!.send(get())
  await gateway.when(() => !breaker!.allows(world.now()), 'the trial')
  first!.reset()
  await gateway.when(() => breaker!.allows(world.now()), 'room')
  answers = true
  second!.send(get())
  assert.equal((await second!.reply()).status, 500)
})

type GatewayInput = NonNullable<ConfigInput['gateway']>

const routed = (
  timeouts: GatewayInput['routes'][number]['timeouts'],
  upstream: NonNullable<GatewayInput['upstreams']>[string],
): GatewayOptions => ({
  config: { gateway: { routes: [{ name: 'all', to: 'app', timeouts }], upstreams: { app: upstream } } },
})

test('W6 timeouts.total of a route: 504 where no reply has begun, a cut where one has', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    const request = await connection.request()
    if (request?.line.includes('/half')) connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    await connection.over()
  })
  const gateway = await startGateway(t, routed({ total: '100ms' }, { endpoints: [origin.url] }))
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual(
    [reply.status, gateway.log[0]!.cause, gateway.log[0]!.phase],
    [504, 'ERR_TOTAL_TIMEOUT', 'first-byte'],
  )
  client.send(get('', '/half'))
  assert.equal(await client.over(), 'reset')
  const line = (await gateway.logged(2))[1]!
  assert.deepEqual([line.status, line.cause, line.phase], [200, 'ERR_TOTAL_TIMEOUT', 'body'])
})

test('W6 timeouts.total covers the queue and the waits between tries', async (t) => {
  const held = await heldOrigin(t)
  const queued = await startGateway(
    t,
    routed(
      { total: '150ms' },
      { endpoints: [`http://127.0.0.1:${held.port}`], admission: { maxInFlight: 1, queue: 1, queueTimeout: '60s' } },
    ),
  )
  const [first, second] = await clients(queued, 2)
  first!.send(get())
  second!.send(get())
  assert.deepEqual([(await first!.reply()).status, (await second!.reply()).status], [504, 504])
  const busy = await startOrigin(
    t,
    answering(() => 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
  )
  const retrying = await startGateway(
    t,
    routed(
      { total: '100ms' },
      { endpoints: [busy.url], retries: { retryOn: [503], maxRetries: 1, backOff: { base: '60s', max: '60s' } } },
    ),
  )
  const client = await retrying.connect()
  client.send(get())
  assert.equal((await client.reply()).status, 504)
  assert.deepEqual(
    (await retrying.logged(1))[0]!.failedAttempts!.map(({ cause }) => cause),
    ['503'],
  )
})

test('W6 timeouts.total does not count for a WebSocket', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    await connection.until(({ text }) => text === 'ping', 'a ping')
    connection.send('pong')
  })
  const gateway = await startGateway(t, routed({ total: '60ms' }, { endpoints: [origin.url] }))
  const client = await gateway.connect()
  client.send(get('Connection: upgrade\r\nUpgrade: websocket\r\n'))
  await client.until(({ text }) => text.includes('\r\n\r\n'), 'the 101')
  await new Promise((resolve) => setTimeout(resolve, 120))
  client.text = ''
  client.send('ping')
  await client.until(({ text }) => text === 'pong', 'a pong')
})

test('W6 firstByte, stall and connect of a route count in place of the upstream’s', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    const request = await connection.request()
    if (request?.line.includes('/half')) connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    await connection.over()
  })
  const hole = await startBlackHole(t)
  const short = await startGateway(t, routed({ firstByte: '50ms', stall: '60ms' }, { endpoints: [origin.url] }))
  const client = await short.connect()
  client.send(get())
  await client.reply()
  client.send(get('', '/half'))
  await client.over()
  const connecting = await startGateway(
    t,
    routed({ connect: '50ms' }, { endpoints: [`http://127.0.0.1:${hole}`], timeouts: { connect: '60s' } }),
  )
  const other = await connecting.connect()
  other.send(get())
  await other.reply()
  assert.deepEqual(
    [...(await short.logged(2)), ...(await connecting.logged(1))].map(({ cause }) => cause),
    ['ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT', 'ERR_CONNECT_TIMEOUT'],
  )
})
