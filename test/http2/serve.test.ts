import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'
import test from 'node:test'
import { connect } from 'node:tls'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import {
  END_HEADERS,
  END_STREAM,
  FramePeer,
  frame,
  get as getFrame,
  headerBlock,
  request as pseudo,
} from '../support/http2-frames.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'

const a = testCertificate({ subject: 'a.test', names: ['DNS:a.test', 'DNS:also-a.test'] })
const tls = { certificates: [{ cert: a.certFile, key: a.keyFile }] }

test('HTTP/2 over TLS where ALPN settles on it: the origin sees the same request as from HTTP/1', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls }, config: { via: 'edge' } })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  assert.equal(client.alpnProtocol, 'h2')
  const reply = await askHttp2(client, { ':path': '/v1?x=1', cookie: ['a=1', 'b=2'], te: 'trailers' })
  assert.equal(reply.status, 200)
  assert.equal(String(reply.body), 'hello')
  assert.equal(reply.fields.via, '1.1 edge')
  const [request] = origin.requests
  assert.equal(request!.line, 'GET /v1?x=1 HTTP/1.1')
  assert.equal(request!.field('host'), 'a.test')
  assert.equal(request!.field('cookie'), 'a=1; b=2')
  assert.equal(request!.field('via'), '2 edge')
  assert.equal(request!.field('x-forwarded-proto'), 'https')
  assert.equal((await gateway.logged(1))[0]!.protocol, 'HTTP/2')
})

test('HTTP/2 by prior knowledge beside HTTP/1 on one plain port', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  assert.equal((await askHttp2(client)).status, 200)
  assert.equal((await ask(gateway.port, get())).status, 200)
  assert.deepEqual(
    gateway.log.map(({ protocol }) => protocol),
    ['HTTP/2', 'HTTP/1.1'],
  )
})

test('`http2: false` leaves TLS to HTTP/1.1, and a plain listener without the key does not know the preface', async (t) => {
  const origin = await startOrigin(t)
  const secure = await startGateway(t, { to: [origin.port], listener: { tls, http2: false } })
  const socket = connect({
    port: secure.port,
    host: '127.0.0.1',
    servername: 'a.test',
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  assert.equal(socket.alpnProtocol, 'http/1.1')
  const plain = await startGateway(t, { to: [origin.port] })
  assert.equal((await ask(plain.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).status, 505)
})

test('the preface is told from an HTTP/1 request at every split', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await gateway.connect()
  for (const byte of get().replace('GET', 'PRIX')) {
    client.send(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await client.reply()).status, 200)
  const frames = await FramePeer.connect(gateway.port)
  frames.send(getFrame(1))
  await frames.first('data', 1)
  frames.peer.socket.destroy()
  const early = await gateway.connect()
  early.send('PRI * HT')
  early.end()
  await early.over()
})

test('trailers pass both ways, those that frame or route do not (H6)', async (t) => {
  const origin = await startOrigin(t, async (connection, self) => {
    self.requests.push((await connection.request())!)
    connection.send(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\nHost: b\r\n\r\n',
    )
  })
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  const stream = client.request(
    { ':method': 'POST', ':authority': 'a.test' },
    { waitForTrailers: true, endStream: false },
  )
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-up': '2', cookie: 'no' }))
  stream.end('body')
  stream.resume()
  const [trailers] = await once(stream, 'trailers')
  assert.deepEqual(Object.entries(trailers), [['x-sum', '1']])
  const [received] = origin.requests
  assert.deepEqual([received!.body, received!.trailers], ['body', [['x-up', '2']]])
})

test('H15 interim replies pass, 100 when it was asked for', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
    await connection.request()
    connection.send(ok('done'))
  })
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  const stream = client.request({
    ':method': 'POST',
    ':authority': 'a.test',
    expect: '100-continue',
    'content-length': '4',
  })
  const interim: IncomingHttpHeaders[] = []
  stream.on('headers', (fields) => {
    interim.push(fields)
    if (fields[':status'] === 100) stream.end('body')
  })
  const [fields] = await once(stream, 'response')
  assert.equal(fields[':status'], 200)
  assert.deepEqual(
    interim.map((each) => [each[':status'], each.link]),
    [
      [103, '</a.css>'],
      [100, undefined],
    ],
  )
  stream.resume()
  await once(stream, 'close')
})

test('H12 a reply before the end of the request: the rest is not wanted, the connection lives', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    listener: { http2: true },
    config: {
      gateway: {
        routes: [
          { name: 'no', match: { methods: ['POST'] }, respond: { status: 403, body: 'no' } },
          { name: 'all', to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  const client = await connectHttp2(t, gateway.port)
  const stream = client.request({ ':method': 'POST', ':authority': 'a.test' })
  stream.write(Buffer.alloc(200_000))
  const [fields] = await once(stream, 'response')
  assert.equal(fields[':status'], 403)
  stream.resume()
  await once(stream, 'close')
  assert.equal(stream.rstCode, 0)
  assert.equal((await askHttp2(client)).status, 200)
})

test('H8 replies without a body have none: HEAD, 204, 205, 304', async (t) => {
  const replies = [
    '204 No Content\r\n',
    '205 Reset Content\r\nContent-Length: 0\r\n',
    '304 Not Modified\r\nETag: "1"\r\n',
    '200 OK\r\nContent-Length: 9\r\n',
  ]
  const origin = await startOrigin(
    t,
    answering(() => `HTTP/1.1 ${replies.shift()!}\r\n`),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  for (const [method, status] of [
    ['GET', 204],
    ['GET', 205],
    ['GET', 304],
    ['HEAD', 200],
  ] as const) {
    const reply = await askHttp2(client, { ':method': method })
    assert.deepEqual([reply.status, reply.body.length], [status, 0])
    assert.equal(reply.fields['content-length'], method === 'HEAD' ? '9' : undefined)
  }
})

test('H26 H23 what belongs elsewhere: 421 for another trust domain on a shared connection, and for another scheme', async (t) => {
  const b = testCertificate({ subject: 'b.test', names: ['DNS:b.test'] })
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    to: [origin.port],
    listener: { tls: { certificates: [...tls.certificates, { cert: b.certFile, key: b.keyFile }] } },
  })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  for (const [authority, scheme, status] of [
    ['a.test', 'https', 200],
    ['b.test', 'https', 421],
    ['ALSO-a.test:443', 'https', 200],
    ['a.test', 'http', 421],
  ] as const) {
    const reply = await askHttp2(client, { ':authority': authority, ':scheme': scheme })
    assert.equal(reply.status, status)
    if (status === 421) assert.match(String(reply.fields['proxy-status']), /ERR_MISDIRECTED/)
  }
  assert.equal(origin.requests.length, 2)
  // A trusted proxy may have taken the TLS off.
  const behind = await startGateway(t, {
    to: [origin.port],
    listener: { http2: true },
    config: { trustedProxies: ['127.0.0.1/32'] },
  })
  const trusted = await connectHttp2(t, behind.port)
  assert.equal((await askHttp2(trusted, { ':scheme': 'https', 'x-forwarded-proto': 'https' })).status, 200)
})

test('nothing that HTTP/1 would read in two ways comes through from HTTP/2', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const heads: [string, string][][] = [
    [...pseudo(), ['x', 'a\r\nTransfer-Encoding: chunked']],
    [...pseudo(), ['x\r\ny', 'a']],
    [...pseudo(), ['transfer-encoding', 'chunked']],
    [...pseudo(), ['connection', 'x-a']],
    [...pseudo(), ['content-length', '5']],
    [...pseudo(), ['host', 'b.test']],
    pseudo('GET', '/ HTTP/1.1\r\nX: y'),
    pseudo('GET', 'http://b.test/'),
    pseudo('GET', '/a#b'),
    pseudo('GET', '/a b'),
    pseudo('GET / HTTP/1.1\r\nA:'),
    [...pseudo(), [':path', '/2']],
  ]
  for (const head of heads) {
    const client = await FramePeer.connect(gateway.port)
    client.send(frame('headers', END_HEADERS | END_STREAM, 1, headerBlock(head)))
    await client.peer.until(() => client.frames.some(({ stream }) => stream === 1), 'an answer')
    // A reply of our own, or a reset; and a field that the codec leaves out reaches nobody.
    client.peer.socket.destroy()
  }
  const lines = origin.requests.map(({ line, fields, body }) => ({ line, names: fields.map(([name]) => name), body }))
  for (const { line, names, body } of lines) {
    assert.equal(line, 'GET / HTTP/1.1')
    assert.equal(body, '')
    for (const name of ['x', 'y', 'transfer-encoding', 'x\r\ny', 'connection']) assert.ok(!names.includes(name), name)
  }
  assert.ok(lines.length <= 2)
})

test('H21 large bodies both ways, with memory that does not grow with them', { timeout: 60_000 }, async (t) => {
  const size = 150_000_000
  const origin = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
    const { socket } = connection
    connection.text = ''
    socket.removeAllListeners('data')
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (chunk.subarray(-5).toString('latin1') !== '0\r\n\r\n') return
      assert.ok(received > size)
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      let sent = 0
      const piece = Buffer.alloc(100_000, 'b')
      const more = (): void => {
        while (sent < size) {
          sent += piece.length
          if (!socket.write(piece)) return void socket.once('drain', more)
        }
      }
      more()
    })
  })
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls } })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  const stream = client.request({ ':method': 'POST', ':authority': 'a.test' })
  const piece = Buffer.alloc(100_000, 'a')
  let largest = 0
  for (let sent = 0; sent < size; sent += piece.length) {
    if (!stream.write(piece)) await once(stream, 'drain')
    largest = Math.max(largest, process.memoryUsage().arrayBuffers)
  }
  stream.end()
  let received = 0
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
    largest = Math.max(largest, process.memoryUsage().arrayBuffers)
  })
  await once(stream, 'end')
  assert.equal(received, size)
  assert.ok(largest < size / 2, `${largest} bytes`)
})

test('many streams at once, one of them slow: the others do not wait for it', async (t) => {
  const slow = Promise.withResolvers<string>()
  const origin = await startOrigin(
    t,
    answering((received) => (received.line.includes('/slow') ? slow.promise : ok('fast'))),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls } })
  const client = await connectHttp2(t, gateway.port, 'a.test')
  const waiting = askHttp2(client, { ':path': '/slow' })
  const fast = await Promise.all(Array.from({ length: 90 }, (_, at) => askHttp2(client, { ':path': `/${at}` })))
  assert.ok(fast.every(({ status }) => status === 200))
  assert.equal(gateway.count('exchanges'), 1)
  assert.equal(gateway.count('clientSockets'), 1)
  slow.resolve(ok('slow'))
  assert.equal(String((await waiting).body), 'slow')
})

test('a stop says goodbye by GOAWAY, lets streams finish, and leaves the ledger at zero', async (t) => {
  const answer = Promise.withResolvers<string>()
  const origin = await startOrigin(
    t,
    answering(() => answer.promise),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { tls } })
  const [busy, idle] = [await connectHttp2(t, gateway.port, 'a.test'), await connectHttp2(t, gateway.port, 'a.test')]
  const asked = askHttp2(busy)
  await gateway.when(() => origin.requests.length === 1, 'the request')
  const goodbyes = [once(busy, 'goaway'), once(idle, 'close')]
  const stopped = gateway.turnpike.stop(5_000)
  await Promise.all(goodbyes)
  answer.resolve(ok('finished'))
  assert.equal(String((await asked).body), 'finished')
  assert.deepEqual((await stopped).cut, 0)
})

test('a stop cuts the streams that do not finish in time', async (t) => {
  const origin = await startOrigin(t, () => {})
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  const asked = askHttp2(client)
  await origin.connection(0)
  const [stopped] = await Promise.all([gateway.turnpike.stop(50), assert.rejects(asked)])
  assert.equal(stopped.cut, 1)
})

test('middleware and error pages see HTTP/2 as they see HTTP/1', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, {
    listener: { http2: true },
    config: {
      gateway: {
        use: [{ headers: { response: { set: { 'x-edge': 'yes' } } } }],
        routes: [{ name: 'all', match: { path: '/a' }, to: 'app' }],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
  const client = await connectHttp2(t, gateway.port)
  assert.equal((await askHttp2(client, { ':path': '/a' })).fields['x-edge'], 'yes')
  const refused = await askHttp2(client, { ':path': '/b', accept: 'application/json' })
  assert.deepEqual(
    [refused.status, refused.fields['x-edge'], JSON.parse(String(refused.body)).code],
    [404, 'yes', 'ERR_NO_ROUTE'],
  )
})
