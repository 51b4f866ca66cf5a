import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { get, post } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Answers its first connection's first request, then closes that connection at the next head that comes; serves the others. */
const stale =
  (end: (connection: RawPeer) => void) =>
  async (connection: RawPeer, origin: Parameters<ReturnType<typeof answering>>[1], index: number): Promise<void> => {
    if (index > 0) return answering(({ line, body }) => ok(`${line} ${body}`))(connection, origin)
    await connection.request()
    connection.send(ok('first'))
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the second head')
    end(connection)
  }

for (const end of ['end', 'reset'] as const) {
  test(`H19 a reused connection closed before any reply byte (${end}): GET is repeated, POST is not`, async (t) => {
    for (const [request, status] of [
      [get('', '/again'), 200],
      [get('', '/again').replace('GET', 'DELETE'), 200],
      [get('', '/again').replace('GET', 'POST'), 502],
      [get('', '/again').replace('GET', 'PATCH'), 502],
    ] as const) {
      const origin = await startOrigin(
        t,
        stale((connection) => connection[end]()),
      )
      const gateway = await startGateway(t, { to: [origin.port] })
      const client = await gateway.connect()
      client.send(get())
      await client.reply()
      client.send(request)
      const reply = await client.reply()
      const line = (await gateway.logged(2))[1]!
      assert.equal(reply.status, status, request)
      assert.equal(line.attempts, status === 200 ? 2 : 1)
      assert.equal(line.cause, status === 200 ? undefined : 'ERR_UPSTREAM_CLOSED')
      assert.equal(origin.requests.length, status === 200 ? 1 : 0)
    }
  })
}

test('H19 a request with a body is not repeated, even if none of the body was sent: more of it may come meanwhile', async (t) => {
  const origin = await startOrigin(
    t,
    stale((connection) => connection.end()),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  await client.reply()
  // The head alone, so that the connection closes before a byte of the body has been sent.
  client.send('PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n')
  await gateway.when(() => client.text !== '' || origin.connections.length > 1, 'the outcome')
  client.send('5\r\nhello\r\n0\r\n\r\n')
  assert.equal((await client.reply()).status, 502)
  client.send(get())
  assert.equal((await client.reply()).body, 'GET / HTTP/1.1 ')
  assert.equal((await gateway.logged(2))[1]!.cause, 'ERR_UPSTREAM_CLOSED')
})

test('H19 a new connection closed before any reply byte is not repeated', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.end()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  assert.equal((await client.reply()).status, 502)
  assert.deepEqual([origin.connections.length, gateway.log[0]!.attempts], [1, 1])
})

test('H19 an endpoint that refuses: the next one is asked, with a body as well', async (t) => {
  const origin = await startOrigin(
    t,
    answering(({ body }) => ok(body)),
  )
  const gateway = await startGateway(t, { to: [await closedPort(), origin.port] })
  const client = await gateway.connect()
  for (let at = 0; at < 4; at++) {
    client.send(post('hello'))
    assert.equal((await client.reply()).body, 'hello')
  }
  const log = await gateway.logged(4)
  assert.ok(log.some(({ attempts }) => attempts === 2))
  assert.ok(log.every(({ endpoint }) => endpoint === origin.url))
})

test('H19 all endpoints refuse: 502, each of them asked once', async (t) => {
  const gateway = await startGateway(t, { to: [await closedPort(), await closedPort()] })
  const client = await gateway.connect()
  client.send(get())
  assert.equal((await client.reply()).status, 502)
  const [line] = gateway.log
  assert.deepEqual([line!.cause, line!.attempts], ['ERR_CONNECT_REFUSED', 2])
})

test('H19 nothing is repeated after the first byte of a reply', async (t) => {
  for (const part of ['H', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 200 OK\r\n']) {
    const origin = await startOrigin(t, async (connection, _, index) => {
      if (index > 0) throw new Error('asked again')
      await connection.request()
      connection.send(ok('first'))
      await connection.request()
      connection.send(part)
      connection.end()
    })
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get())
    await client.reply()
    client.send(get())
    assert.equal((await client.reply()).status, 502)
    assert.equal((await gateway.logged(2))[1]!.cause, 'ERR_UPSTREAM_CLOSED')
  }
})

test('H19 what an idle connection says unasked is never the reply to the next request', async (t) => {
  const origin = await startOrigin(t, async (connection, _, index) => {
    await connection.request()
    connection.send(ok('first'))
    if (index > 0) return
    await connection.until(({ text }) => text === '', 'nothing')
    await new Promise((resolve) => setTimeout(resolve, 20))
    connection.send('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  await client.reply()
  await gateway.when(() => gateway.count('upstreamSockets') === 0, 'the connection to be given up')
  client.send(get())
  assert.equal((await client.reply()).status, 200)
})
