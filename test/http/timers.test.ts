import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import { startBlackHole } from '../support/black-hole.ts'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get } from '../support/raw-client.ts'
import { testCertificate } from '../support/certificates.ts'

const chunkedPost = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n'

test('H25 head: a request head that does not become complete, 408', async (t) => {
  const gateway = await startGateway(t, { to: [1], listener: { timeouts: { head: '150ms' } } })
  const client = await gateway.connect()
  client.send('GET / HTTP/1.1\r\nHost: a.')
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body.includes('timer: head')], [408, true])
  assert.equal(await client.over(), 'end')
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_HEAD_TIMEOUT')
})

test('H25 head: a byte now and then does not help, and a silent new connection is closed without a word', async (t) => {
  const gateway = await startGateway(t, { to: [1], listener: { timeouts: { head: '150ms' } } })
  const client = await gateway.connect()
  const silent = await gateway.connect()
  const drip = setInterval(() => client.send('G'), 30)
  t.after(() => clearInterval(drip))
  assert.equal((await client.reply()).status, 408)
  clearInterval(drip)
  assert.deepEqual([await silent.over(), silent.total], ['end', 0])
})

test('H25 idle: a kept connection on which nothing comes is closed without a word', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { timeouts: { idle: '150ms' } } })
  const client = await gateway.connect()
  client.send(get())
  await client.reply()
  assert.deepEqual([await client.over(), client.text], ['end', ''])
  assert.equal(gateway.log.length, 1)
})

test('H25 idle: an upstream connection that is not used is closed', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], upstream: { pool: { idle: '150ms' } } })
  const client = await gateway.connect()
  client.send(get())
  await client.reply()
  await origin.connections[0]!.until(({ ended, closed }) => ended || closed, 'the end')
})

test('H25 bodyProgress: a body that does not move, 408; one that is slow and moves lives', async (t) => {
  const origin = await startOrigin(
    t,
    answering(({ body }) => ok(String(body.length))),
  )
  const gateway = await startGateway(t, {
    to: [origin.port],
    listener: { timeouts: { bodyProgress: '1KiB/400ms' } },
    // Shorter than the upload takes: it is counted from its end.
    upstream: { timeouts: { firstByte: '400ms' } },
  })
  const stuck = await gateway.connect()
  stuck.send(`${chunkedPost}5\r\nhello\r\n`)
  const slow = await gateway.connect()
  slow.send(chunkedPost)
  for (let at = 0; at < 10; at++) {
    slow.send(`800\r\n${'x'.repeat(0x800)}\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 80))
  }
  slow.send('0\r\n\r\n')
  assert.equal((await slow.reply()).body, String(10 * 0x800))
  const reply = await stuck.reply()
  assert.deepEqual([reply.status, reply.field('connection')], [408, 'close'])
  assert.equal(gateway.log[0]!.cause, 'ERR_BODY_TIMEOUT')
})

test('H25 connect: waiting for a connection to come free, 503', async (t) => {
  const origin = await startOrigin(t, () => {})
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { timeouts: { connect: '150ms' }, pool: { max: 1 } },
  })
  const busy = await gateway.connect()
  busy.send(get())
  await origin.connection(0)
  const waiting = await gateway.connect()
  waiting.send(get())
  assert.equal((await waiting.reply()).status, 503)
  const [line] = await gateway.logged(1)
  assert.deepEqual([line!.cause, gateway.count('poolWaiters')], ['ERR_POOL_EXHAUSTED', 0])
})

test('H25 connect: a backlog that is full, 504 after one connect time', async (t) => {
  const gateway = await startGateway(t, { to: [await startBlackHole(t)], upstream: { timeouts: { connect: '200ms' } } })
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body.includes('timer: connect')], [504, true])
  assert.deepEqual([gateway.log[0]!.cause, gateway.log[0]!.attempts], ['ERR_CONNECT_TIMEOUT', 1])
})

test('H25 tls: an endpoint that never shakes hands, 504', async (t) => {
  const origin = await startOrigin(t, () => {})
  const gateway = await startGateway(t, {
    to: [`https://127.0.0.1:${origin.port}`],
    upstream: { timeouts: { tls: '150ms' } },
  })
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body.includes('timer: tls')], [504, true])
  assert.equal(gateway.log[0]!.cause, 'ERR_TLS_TIMEOUT')
})

test('H25 tls: a client that never shakes hands is closed', async (t) => {
  const { certFile, keyFile } = testCertificate({ subject: 'a.test', names: ['DNS:a.test'] })
  const gateway = await startGateway(t, {
    to: [1],
    listener: { timeouts: { tls: '150ms' }, tls: { certificates: [{ cert: certFile, key: keyFile }] } },
  })
  const client = await gateway.connect()
  await client.until(({ ended, closed }) => ended || closed, 'the end')
  assert.equal(gateway.log.length, 0)
})

test('H25 firstByte: an origin that does not answer, 504; its connection is not used again', async (t) => {
  const origin = await startOrigin(t, async (connection, _, index) => {
    await connection.request()
    if (index > 0) connection.send(ok('second'))
  })
  const gateway = await startGateway(t, { to: [origin.port], upstream: { timeouts: { firstByte: '150ms' } } })
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body.includes('timer: firstByte')], [504, true])
  assert.equal(gateway.log[0]!.cause, 'ERR_FIRST_BYTE_TIMEOUT')
  // The late reply to the first request is nobody's.
  origin.connections[0]!.send(ok('late'))
  client.send(get())
  assert.equal((await client.reply()).body, 'second')
})

test('H25 firstByte: counted from the sent request, and not under a reply that has begun', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst')
    await connection.request()
    await new Promise((resolve) => setTimeout(resolve, 300))
    connection.send('later')
  })
  const gateway = await startGateway(t, { to: [origin.port], upstream: { timeouts: { firstByte: '150ms' } } })
  const client = await gateway.connect()
  client.send(chunkedPost)
  await client.until(({ text }) => text.endsWith('first'), 'the begin')
  client.send('2\r\nhi\r\n0\r\n\r\n')
  assert.equal((await client.reply()).body, 'firstlater')
})

test('H25 stall: a reply that stops is cut; one that is slow and moves lives', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    const request = await connection.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
    if (request!.line.includes('stuck')) return connection.send('some')
    for (let at = 0; at < 10; at++) {
      connection.send(String(at))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })
  const gateway = await startGateway(t, { to: [origin.port], upstream: { timeouts: { stall: '400ms' } } })
  const [stuck, slow] = [await gateway.connect(), await gateway.connect()]
  stuck.send(get('', '/stuck'))
  slow.send(get())
  assert.equal((await slow.reply()).body, '0123456789')
  assert.equal(await stuck.over(), 'reset')
  const { cause, status } = gateway.log.find(({ path }) => path === '/stuck')!
  assert.deepEqual([cause, status], ['ERR_STALL_TIMEOUT', 200])
})

test('H25 stall: a client that reads nothing is cut, during its reply and at the end of it', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n')
    connection.send(Buffer.alloc(50_000_000))
  })
  const body = 'x'.repeat(20_000_000)
  const gateway = await startGateway(t, {
    listener: { timeouts: { stall: '200ms' } },
    config: {
      gateway: {
        routes: [
          { name: 'here', match: { path: '/here' }, respond: { status: 200, body } },
          { name: 'all', to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url], timeouts: { stall: '200ms' } } },
      },
    },
  })
  for (const path of ['/there', '/here']) {
    const client = await gateway.connect()
    client.socket.pause()
    client.send(get('', path))
    await gateway.when(() => gateway.log.some((line) => line.path === path), 'the log line')
    const { cause, status } = gateway.log.find((line) => line.path === path)!
    assert.deepEqual([cause, status], ['ERR_CLIENT_STALL', 200], path)
    client.socket.resume()
    await client.until(({ ended, closed }) => ended || closed, 'the end')
  }
})

test('H25 drain: a refused client that sends on and on is read for a bounded time', async (t) => {
  const gateway = await startGateway(t, { to: [1] })
  const client = await gateway.connect()
  client.send('BAD\r\n\r\n')
  assert.equal((await client.reply()).status, 400)
  const start = performance.now()
  const drip = setInterval(() => client.send('more'), 50)
  t.after(() => clearInterval(drip))
  await gateway.when(() => gateway.count('clientSockets') === 0, 'the connection to be closed')
  assert.ok(performance.now() - start < 5_000)
})

test('H25 a deadline that fires late looks once more: a reply that is already there is delivered', async (t) => {
  // The origin lives on another thread: it answers while this one stands still.
  const worker = new Worker(
    `const { createServer } = require('node:net'), { parentPort } = require('node:worker_threads')
     const server = createServer((socket) => socket.on('error', () => {}).on('data', () => {
       setTimeout(() => socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello'), 50)
     })).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
    { eval: true },
  )
  t.after(() => worker.terminate())
  const [port]: number[] = await once(worker, 'message')
  const gateway = await startGateway(t, { to: [port!], upstream: { timeouts: { firstByte: '100ms' } } })
  const client = await gateway.connect()
  client.send(get())
  await gateway.when(
    () => gateway.count('upstreamSockets') === 1 && gateway.count('dials') === 0,
    'the request to be sent',
  )
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
  assert.equal((await client.reply()).body, 'hello')
  assert.equal((await gateway.logged(1))[0]!.cause, undefined)
})
