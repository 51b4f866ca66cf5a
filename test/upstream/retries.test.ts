import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'
import { load } from './load.ts'
import { startService } from './service.ts'

const unavailable = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy'
const backOff = { base: '1ms', max: '2ms' }

test('H19 a status in retryOn: the reply is dropped, another endpoint is asked, the connection stays', async (t) => {
  const busy = await startOrigin(
    t,
    answering(() => unavailable),
  )
  const fine = await startOrigin(
    t,
    answering(() => ok('fine')),
  )
  const gateway = await startGateway(t, {
    to: [busy.port, fine.port],
    upstream: { retries: { retryOn: [503], backOff } },
  })
  const client = await gateway.connect()
  for (let at = 0; at < 6; at++) {
    client.send(get())
    assert.equal((await client.reply()).body, 'fine')
  }
  const log = await gateway.logged(6)
  const retried = log.filter(({ attempts }) => attempts === 2)
  assert.equal(retried.length, busy.requests.length)
  assert.equal(busy.connections.length, 1)
  for (const { failedAttempts, endpoint, status } of retried) {
    assert.deepEqual(
      failedAttempts!.map((attempt) => [attempt.endpoint, attempt.cause]),
      [[busy.url, '503']],
    )
    assert.deepEqual([endpoint, status], [fine.url, 200])
  }
})

test('H19 a status in retryOn, again and again: the client gets the last one as it is', async (t) => {
  const busy = await startOrigin(
    t,
    answering(() => unavailable),
  )
  const gateway = await startGateway(t, {
    to: [busy.port],
    upstream: { retries: { maxRetries: 2, retryOn: [503], backOff } },
  })
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body, busy.requests.length], [503, 'busy', 3])
})

test('W12 what may have been acted on is repeated for idempotent methods without a body alone', async (t) => {
  const busy = await startOrigin(
    t,
    answering(() => unavailable),
  )
  const gateway = await startGateway(t, {
    to: [busy.port],
    upstream: { retries: { maxRetries: 1, retryOn: [503], backOff } },
  })
  const client = await gateway.connect()
  for (const [request, tries] of [
    [get(), 2],
    [get().replace('GET', 'DELETE'), 2],
    [post('x'), 1],
    [get().replace('GET', 'POST'), 1],
    [post('x').replace('POST', 'PUT'), 1],
  ] as const) {
    const before = busy.requests.length
    client.send(request)
    assert.equal((await client.reply()).status, 503)
    assert.equal(busy.requests.length - before, tries, request)
  }
})

test('W12 `methods` says which others may be acted on twice', async (t) => {
  const busy = await startOrigin(
    t,
    answering(() => unavailable),
  )
  const gateway = await startGateway(t, {
    to: [busy.port],
    upstream: { retries: { retryOn: [503], methods: ['POST'], backOff } },
  })
  const client = await gateway.connect()
  client.send(get().replace('GET', 'POST'))
  await client.reply()
  assert.equal(busy.requests.length, 2)
  client.send(get())
  await client.reply()
  assert.equal(busy.requests.length, 3)
})

test('H19 reset: a new connection that closes before a head is asked again; never after the first byte was sent on', async (t) => {
  for (const [part, status, connections] of [
    ['', 200, 2],
    ['HTTP/1.1 200 O', 200, 2],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe', 200, 1],
  ] as const) {
    const origin = await startOrigin(t, async (connection, own, index) => {
      if (index > 0) return answering(() => ok('again'))(connection, own)
      await connection.request()
      connection.send(part)
      connection.end()
    })
    const gateway = await startGateway(t, {
      to: [origin.port],
      upstream: { retries: { retryOn: ['reset'], backOff } },
    })
    const client = await gateway.connect()
    client.send(get())
    if (connections === 2) {
      assert.deepEqual([(await client.reply()).body, origin.connections.length], ['again', 2])
    } else {
      await client.over()
      assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_UPSTREAM_TRUNCATED')
    }
    assert.equal((await gateway.logged(1))[0]!.status, status)
    assert.equal(origin.connections.length, connections)
  }
})

test('W12 perTryTimeout: the try is given up and another endpoint asked; with no retry left it is the cause', async (t) => {
  const silent = await startOrigin(t, async (connection) => {
    await connection.request()
    await connection.over()
  })
  const fine = await startOrigin(
    t,
    answering(() => ok('fine')),
  )
  const retries = { maxRetries: 1, retryOn: ['timeout' as const], perTryTimeout: '60ms', backOff }
  const gateway = await startGateway(t, { to: [silent.port, fine.port], upstream: { retries } })
  const client = await gateway.connect()
  for (let at = 0; at < 2; at++) {
    client.send(get())
    assert.equal((await client.reply()).body, 'fine')
  }
  const log = await gateway.logged(2)
  assert.deepEqual(
    log.flatMap(({ failedAttempts = [] }) => failedAttempts.map(({ cause }) => cause)),
    ['ERR_TRY_TIMEOUT', 'ERR_TRY_TIMEOUT'],
  )
  const alone = await startGateway(t, { to: [silent.port], upstream: { retries: { ...retries, maxRetries: 0 } } })
  const other = await alone.connect()
  other.send(get())
  assert.equal((await other.reply()).status, 504)
  assert.equal((await alone.logged(1))[0]!.cause, 'ERR_TRY_TIMEOUT')
})

test('H20 a client that goes away between two tries ends the exchange: nothing is sent any more', async (t) => {
  const busy = await startOrigin(
    t,
    answering(() => unavailable),
  )
  const gateway = await startGateway(t, {
    to: [busy.port],
    upstream: { retries: { maxRetries: 5, retryOn: [503], backOff: { base: '60s', max: '60s' } } },
  })
  const client = await gateway.connect()
  client.send(get())
  await gateway.when(() => busy.requests.length === 1, 'the first try')
  client.reset()
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.cause, line!.status, busy.requests.length], ['ERR_CLIENT_ABORT', 499, 1])
})

test('W12 a storm: retries stay within the budget, and errors carry their own cause', async (t) => {
  const service = await startService(t, (_request, response) => {
    response.statusCode = 503
    response.end()
  })
  const gateway = await startGateway(t, {
    to: [service.port],
    upstream: { retries: { maxRetries: 3, retryOn: [503], budget: '20%', backOff } },
  })
  const count = 1_000
  const outcomes = await load(gateway.port, { clients: 16, goesOn: (sent) => sent < count })
  assert.deepEqual([...outcomes], [[503, count]])
  const retries = service.count - count
  assert.ok(retries >= 10 && retries <= 0.2 * count + 10, `${retries} retries`)
  const [cluster] = gateway.turnpike.generation.clusters.values()
  assert.ok(cluster!.retries!.budget.exhausted > 0)
})
