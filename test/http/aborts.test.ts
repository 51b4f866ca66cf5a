import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'node:test'
import { startBlackHole } from '../support/black-hole.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { get, post } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

/** An abort travels within this; no timer of any config here is shorter. */
const BOUND_MS = 2_000

async function abort(client: RawPeer, how: 'end' | 'reset'): Promise<number> {
  if (how === 'reset') client.reset()
  else client.socket.destroy()
  return performance.now()
}

async function assertAborted(gateway: TestGateway, at: number, phase: string, status = 499): Promise<void> {
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.status, line!.cause, line!.phase], [status, 'ERR_CLIENT_ABORT', phase])
  assert.ok(performance.now() - at < BOUND_MS, 'the abort took its time')
}

const requests: [name: string, bytes: string][] = [
  ['GET', get()],
  ['POST with its body', post('hello')],
  ['POST with a part of its body', post('x'.repeat(50_000)).slice(0, 20_000)],
]

for (const how of ['end', 'reset'] as const) {
  for (const [name, bytes] of requests) {
    test(`H20 client gone (${how}) while dialling, ${name}: the dial is given up`, async (t) => {
      const gateway = await startGateway(t, { to: [await startBlackHole(t)] })
      const client = await gateway.connect()
      client.send(bytes)
      await gateway.when(() => gateway.count('dials') === 1, 'the dial')
      const at = await abort(client, how)
      await assertAborted(gateway, at, 'dial')
      assert.equal(gateway.count('dials'), 0)
    })

    test(`H20 client gone (${how}) while waiting for a connection, ${name}: it waits no longer`, async (t) => {
      const origin = await startOrigin(t, () => {})
      const gateway = await startGateway(t, { to: [origin.port], upstream: { pool: { max: 1 } } })
      const first = await gateway.connect()
      first.send(get())
      await gateway.when(() => origin.connections.length === 1, 'the first request')
      const client = await gateway.connect()
      client.send(bytes)
      await gateway.when(() => gateway.count('poolWaiters') === 1, 'the second to wait')
      const at = await abort(client, how)
      await assertAborted(gateway, at, 'dial')
      assert.equal(gateway.count('poolWaiters'), 0)
    })

    test(`H20 client gone (${how}) before the first byte, ${name}: the origin sees it`, async (t) => {
      const origin = await startOrigin(t, () => {})
      const gateway = await startGateway(t, { to: [origin.port] })
      const client = await gateway.connect()
      client.send(bytes)
      const connection = await origin.connection(0)
      await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
      const at = await abort(client, how)
      await assertAborted(gateway, at, 'first-byte')
      await connection.until(({ ended, closed }) => ended || closed, 'the end')
      // Half a body cannot pass for a whole one.
      if (name.includes('part')) assert.ok(connection.text.length < 50_000)
    })
  }

  test(`H20 client gone (${how}) in the middle of a chunked upload: the origin gets no last chunk`, async (t) => {
    const origin = await startOrigin(t, () => {})
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    const connection = await origin.connection(0)
    await connection.until(({ text }) => text.includes('hello'), 'a part of the body')
    const at = await abort(client, how)
    await assertAborted(gateway, at, 'first-byte')
    await connection.until(({ ended, closed }) => ended || closed, 'the end')
    assert.ok(!connection.text.includes('\r\n0\r\n'))
  })

  test(`H20 client gone (${how}) while it receives: the origin sees it`, async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
    })
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get())
    await client.until(({ text }) => text.endsWith('part'), 'a part')
    const at = await abort(client, how)
    await assertAborted(gateway, at, 'body', 200)
    await origin.connections[0]!.until(({ ended, closed }) => ended || closed, 'the end')
  })

  test(`H20 client gone (${how}) while a fast reply waits for it`, async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n')
      connection.send(Buffer.alloc(100_000_000))
    })
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.socket.pause()
    client.send(get())
    const connection = await origin.connection(0)
    await gateway.when(() => connection.socket.bytesWritten > 1_000_000, 'the reply to be under way')
    const at = await abort(client, how)
    await assertAborted(gateway, at, 'body', 200)
    await connection.until(({ ended, closed }) => ended || closed, 'the end')
  })
}

/** How far the origin comes: what it does with a connection, the client's request, status and cause. */
const upstreamGone: [
  name: string,
  bytes: string,
  script: (connection: RawPeer) => Promise<void> | void,
  cause: string,
][] = [
  [
    'in the middle of an upload',
    post('x'.repeat(50_000)).slice(0, 20_000),
    async (connection) => {
      await connection.until(({ text }) => text.length > 10_000, 'a part')
      connection.reset()
    },
    'ERR_UPSTREAM_CLOSED',
  ],
  [
    'before the first byte, by a reset',
    get(),
    async (connection) => {
      await connection.request()
      connection.reset()
    },
    'ERR_UPSTREAM_CLOSED',
  ],
  [
    'before the first byte, by an end',
    get(),
    async (connection) => {
      await connection.request()
      connection.end()
    },
    'ERR_UPSTREAM_CLOSED',
  ],
  [
    'in the middle of its head',
    get(),
    async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nX: ')
      connection.end()
    },
    'ERR_UPSTREAM_CLOSED',
  ],
]

for (const [name, bytes, script, cause] of upstreamGone) {
  test(`H20 origin gone ${name}: 502`, async (t) => {
    const origin = await startOrigin(t, script)
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.send(bytes)
    const reply = await client.reply()
    assert.equal(reply.status, 502)
    const [line] = await gateway.logged(1)
    assert.deepEqual([line!.status, line!.cause], [502, cause])
    assert.equal(gateway.count('upstreamSockets'), 0)
  })
}

test('H20 origin gone in a large upload: the client gets the 502 although it is still sending', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ total }) => total > 1_000_000, 'a part')
    connection.reset()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n`)
  client.send(Buffer.alloc(20_000_000))
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.field('connection')], [502, 'close'])
})

test('H20 a reply that comes before an upload’s end, and a close with it, reaches the client', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    connection.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
    connection.end()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n`)
  client.send(Buffer.alloc(5_000_000))
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body], [413, 'big'])
})

test('H20 a stop cuts what is still busy after the drain time, and lets the rest finish', async (t) => {
  const go = Promise.withResolvers<void>()
  const origin = await startOrigin(
    t,
    answering(async ({ line }) => {
      if (line.includes('slow')) await go.promise
      else await new Promise(() => {})
      return ok('done')
    }),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const [slow, never, idle] = [await gateway.connect(), await gateway.connect(), await gateway.connect()]
  slow.send(get('', '/slow'))
  never.send(get('', '/never'))
  await gateway.when(() => origin.requests.length === 2, 'both requests')
  const stopped = gateway.turnpike.stop(300)
  assert.equal(await idle.over(), 'end')
  idle.end()
  go.resolve()
  assert.deepEqual([(await slow.reply()).field('connection'), await slow.over()], ['close', 'end'])
  slow.end()
  const report = await stopped
  assert.equal(report.cut, 1)
  await never.until(({ ended, closed }) => ended || closed, 'the cut')
  const log = await gateway.logged(2)
  assert.deepEqual(
    log.map(({ status }) => status),
    [200, 499],
  )
})

test('H20 a listener’s port is free once it is stopped', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  await gateway.turnpike.stop(0)
  const server = createServer().listen(gateway.port, '127.0.0.1')
  await once(server, 'listening')
  assert.equal(portOf(server), gateway.port)
  server.close()
})
