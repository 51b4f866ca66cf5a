import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { testAuthority } from '../support/forward/authority.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { ask } from '../support/raw-client.ts'

describe('plain requests through the forward proxy', () => {
  test('H24 reach the host of their target in origin form, neither path nor query touched, on connections that are kept', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    const targets = ['/a', '/b?c=d', '/e/../f%2e//g?h', '?i=/j', '']
    for (const target of targets) {
      client.send(plainRequest(`${origin.url}${target}`))
      assert.equal((await client.reply()).body, 'hello')
    }
    assert.equal(origin.connections.length, 1)
    assert.deepEqual(
      origin.requests.map(({ line }) => line.split(' ')[1]),
      ['/a', '/b?c=d', '/e/../f%2e//g?h', '/?i=/j', '/'],
    )
    const lines = await proxy.logged(targets.length)
    assert.deepEqual(
      lines.map(({ reused, endpoint }) => ({ reused, endpoint })),
      targets.map((_, index) => ({ reused: index > 0, endpoint: origin.url })),
    )
  })

  test('connections are kept by target: two names of one address have one each', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    for (const host of ['localhost', '127.0.0.1', 'LOCALHOST', '127.1']) {
      client.send(plainRequest(`http://${host}:${origin.port}/`))
      assert.equal((await client.reply()).status, 200)
    }
    assert.equal(origin.connections.length, 2)
    assert.deepEqual(
      origin.requests.map((request) => request.field('host')),
      ['localhost', '127.0.0.1', 'LOCALHOST', '127.1'].map((host) => `${host}:${origin.port}`),
    )
  })

  test('F6 H13 say nothing of their client, and of us only Via; what is for us alone stays here', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    for (let time = 0; time < 4; time++) {
      const mine =
        'Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic YTpi\r\nConnection: x-a\r\nX-A: 1\r\nX-B: 2\r\n'
      await ask(proxy.port, plainRequest(`${origin.url}/`, mine))
    }
    for (const { fields } of origin.requests)
      assert.deepEqual(
        fields.map(([name]) => name),
        ['host', 'x-b', 'via'],
      )
  })

  test('H10 the target wins over a Host that says something else, also where both come again', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    const fields = 'Host: other.example\r\nX-A: 1\r\n'
    for (let time = 0; time < 4; time++) {
      client.send(`GET ${origin.url}/ HTTP/1.1\r\n${fields}\r\n`)
      await client.reply()
    }
    assert.deepEqual(
      origin.requests.map(({ fields: sent }) => sent.slice(0, 2)),
      Array.from({ length: 4 }, () => [
        ['host', `127.0.0.1:${origin.port}`],
        ['x-a', '1'],
      ]),
    )
  })

  test('bodies both ways, of known length and in chunks, and a HEAD', async (t) => {
    const origin = await startOrigin(
      t,
      answering(({ line, body }) =>
        line.startsWith('HEAD')
          ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
          : `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      ),
    )
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(`${plainRequest(origin.url, 'Content-Length: 5\r\n', 'POST')}12345`)
    assert.equal((await client.reply()).body, '12345')
    client.send(`${plainRequest(origin.url, 'Transfer-Encoding: chunked\r\n', 'PUT')}3\r\nabc\r\n0\r\n\r\n`)
    assert.equal((await client.reply()).body, 'abc')
    client.send(plainRequest(origin.url, '', 'HEAD'))
    assert.equal((await client.reply('HEAD')).field('content-length'), '5')
  })

  test('H14 a request that was here before is refused', async (t) => {
    const proxy = await startForward(t, {}, { config: { via: 'edge' } })
    const reply = await ask(proxy.port, plainRequest('http://127.0.0.1:9/', 'Via: 1.1 edge\r\n'))
    assert.equal(reply.status, 508)
  })

  test('H15 an expectation is passed on, and its 100 comes back', async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      await connection.until(({ text }) => text.includes('\r\n\r\n'), 'the head')
      assert.match(connection.text, /\r\nExpect: 100-continue\r\n/)
      connection.send('HTTP/1.1 100 Continue\r\n\r\n')
      await connection.until(({ text }) => text.endsWith('abc'), 'the body')
      connection.send(ok('done'))
    })
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url, 'Content-Length: 3\r\nExpect: 100-continue\r\n', 'POST'))
    assert.equal((await client.reply()).status, 100)
    client.send('abc')
    assert.equal((await client.reply()).body, 'done')
  })

  test('H16 a WebSocket passes, h2c does not', async (t) => {
    const origin = await startOrigin(t, async (connection) => {
      const request = await connection.request()
      if (request?.field('upgrade') !== 'websocket') return connection.send(ok('no'))
      connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nframe')
      await connection.until(({ text }) => text === 'answer', 'the answer')
      connection.end()
    })
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url, 'Connection: upgrade\r\nUpgrade: websocket\r\n'))
    assert.equal((await client.reply()).status, 101)
    await client.until(({ text }) => text === 'frame', 'the frame')
    client.send('answer')
    await client.over()
    client.end()
    const plain = await ask(
      proxy.port,
      plainRequest(origin.url, 'Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
    )
    assert.equal(plain.body, 'no')
  })

  test('H17 Max-Forwards stops here at 0; the whole of a server is asked for by OPTIONS without a path', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const stopped = await ask(proxy.port, plainRequest(origin.url, 'Max-Forwards: 0\r\n', 'TRACE'))
    assert.match(stopped.body, /^TRACE http:/)
    await ask(proxy.port, plainRequest(origin.url, 'Max-Forwards: 2\r\n', 'OPTIONS'))
    assert.deepEqual(
      origin.requests.map(({ line }) => line),
      ['OPTIONS * HTTP/1.1'],
    )
    assert.equal(origin.requests[0]!.field('max-forwards'), '1')
  })

  test('H19 a kept connection that closes before its reply is replaced by another, once', async (t) => {
    const origin = await startOrigin(t, async (connection, _, index) => {
      if ((await connection.request()) === null) return
      connection.send(ok('first'))
      // The next request on it meets its end.
      if ((await connection.request()) !== null && index > 0) connection.send(ok('again'))
      connection.socket.destroy()
    })
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url))
    await client.reply()
    client.send(plainRequest(origin.url))
    assert.equal((await client.reply()).body, 'first')
    const [, second] = await proxy.logged(2)
    assert.deepEqual([second!.attempts, second!.failedAttempts?.[0]?.cause], [2, 'ERR_UPSTREAM_CLOSED'])
    client.send(plainRequest(origin.url, 'Content-Length: 0\r\n', 'POST'))
    assert.equal((await client.reply()).status, 200)
  })

  test('H20 a client that goes away takes its request along', async (t) => {
    const origin = await startOrigin(t, () => {})
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url))
    const connection = await origin.connection(0)
    await connection.until(({ text }) => text.endsWith('\r\n\r\n'), 'the request')
    client.socket.destroy()
    await connection.over()
    const [line] = await proxy.logged(1)
    assert.equal(line!.cause, 'ERR_CLIENT_ABORT')
  })

  test('F8 what the guard forbids is not dialled, by any writing of it', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t, { guard: {} })
    for (const host of ['127.0.0.1', 'localhost', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]', '127.0.0.1.']) {
      const reply = await ask(proxy.port, plainRequest(`http://${host}:${origin.port}/`))
      assert.equal(reply.status, 403, host)
      assert.match(reply.field('proxy-status')!, /destination_ip_prohibited/)
    }
    assert.equal(origin.connections.length, 0)
  })

  test('the causes of failure are told by Proxy-Status', async (t) => {
    const proxy = await startForward(t, { timeouts: { firstByte: '50ms' } })
    const silent = await startOrigin(t, () => {})
    const statuses = async (url: string) => {
      const reply = await ask(proxy.port, plainRequest(url))
      return [reply.status, /error=(\w+)/.exec(reply.field('proxy-status')!)?.[1]]
    }
    assert.deepEqual(await statuses('http://127.0.0.1:1/'), [502, 'connection_refused'])
    assert.deepEqual(await statuses('http://nothing.invalid/'), [502, 'dns_error'])
    assert.deepEqual(await statuses(silent.url), [504, 'http_response_timeout'])
    assert.deepEqual(await statuses('http://127.0.0.1:0/'), [400, 'http_request_error'])
    assert.deepEqual(await statuses('http://a..example/'), [400, 'http_request_error'])
  })

  test('https:// in a target is TLS to the target, its certificate held to the host that was asked for', async (t) => {
    const material = testCertificate({ subject: 'localhost', names: ['DNS:localhost'] })
    const { folder } = await testAuthority(t)
    writeFileSync(join(folder, 'trusted.pem'), material.cert)
    const origin = createServer(material, (request, response) => response.end(`${request.headers.host} ${request.url}`))
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    t.after(() => {
      origin.closeAllConnections()
      origin.close()
    })
    const port = portOf(origin)
    const proxy = await startForward(t, {
      rules: [{ match: { host: 'moved.example' }, redirectTo: `localhost:${port}` }],
      intercept: { authority: folder, upstreamTls: { ca: join(folder, 'trusted.pem') } },
    })
    const reply = await ask(proxy.port, plainRequest(`https://localhost:${port}/a`))
    assert.equal(reply.body, `localhost:${port} /a`)
    for (const url of [`https://127.0.0.1:${port}/`, 'https://moved.example/']) {
      const refused = await ask(proxy.port, plainRequest(url))
      assert.equal(refused.status, 502)
      assert.match(refused.field('proxy-status')!, /tls_certificate_error/)
    }
  })

  test('connections to targets live on after a reload that does not concern them', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(plainRequest(origin.url))
    await client.reply()
    await proxy.turnpike.reload({
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { connectPorts: [443], guard: { allow: ['127.0.0.0/8', '::1/128'] } },
      admin: 'off',
      log: { access: 'off' },
    })
    client.send(plainRequest(origin.url))
    await client.reply()
    assert.equal(origin.connections.length, 1)
  })
})
