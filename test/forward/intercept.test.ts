import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { portOf } from '../support/peers/free-port.ts'
import { get } from '../support/raw-client.ts'
import { captureHello } from '../support/forward/capture-hello.ts'
import { openSecured, openTunnel, startIntercepting, startTarget } from '../support/forward/start-intercepting.ts'

const denying: ConfigInput = {
  listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
  forward: { default: { deny: true } },
  admin: 'off',
  log: { access: 'off' },
}

describe('requests in a tunnel that is looked into', () => {
  test('pass the middleware of the rule, on one connection, and are logged as themselves', async (t) => {
    const seen: (string | string[] | undefined)[] = []
    let connections = 0
    const target = await startTarget(t, (request, response) => {
      seen.push(request.headers.referer, request.headers['x-forwarded-for'], request.headers.host)
      response.end(`at ${request.url}`)
    })
    target.server.on('secureConnection', () => connections++)
    const proxy = await startIntercepting(t, target.port, {
      rule: { use: ['no-tracking'] },
      config: { middlewares: { 'no-tracking': { headers: { request: { remove: ['referer'] } } } } },
    })
    const { peer } = await openSecured(proxy)
    for (const path of ['/one?q=1', '/two', '/three']) {
      peer.send(get('Referer: https://x.test/\r\n', path))
      const reply = await peer.reply()
      assert.equal(reply.status, 200)
      assert.equal(reply.body, `at ${path}`)
    }
    assert.deepEqual(seen, [
      undefined,
      undefined,
      'a.test',
      undefined,
      undefined,
      'a.test',
      undefined,
      undefined,
      'a.test',
    ])
    assert.equal(connections, 1)
    peer.end()
    const lines = await proxy.logged(4)
    assert.deepEqual(
      lines.map(({ method, path, status }) => [method, path, status]),
      [
        ['GET', '/one', 200],
        ['GET', '/two', 200],
        ['GET', '/three', 200],
        ['CONNECT', 'a.test:443', 200],
      ],
    )
    assert.equal(lines[0]!.endpoint, `https://127.0.0.1:${target.port}`)
    const tunnel = lines[3]!
    assert.ok(tunnel.bytesOut > 0 && tunnel.cause === undefined, JSON.stringify(tunnel))
    assert.equal(proxy.count('tunnels'), 0)
  })

  test('move large bodies both ways, whole', async (t) => {
    const sent = randomBytes(5_000_000)
    const target = await startTarget(t, async (request, response) => {
      const hash = createHash('sha256')
      request.on('data', (piece: Buffer) => hash.update(piece))
      await once(request, 'end')
      response.setHeader('x-sha256', hash.digest('hex'))
      response.end(sent)
    })
    const proxy = await startIntercepting(t, target.port)
    const { peer, socket } = await openSecured(proxy)
    const hash = createHash('sha256').update(sent).digest('hex')
    peer.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${sent.length}\r\n\r\n`)
    socket.write(sent)
    const reply = await peer.reply()
    assert.equal(reply.field('x-sha256'), hash)
    assert.equal(createHash('sha256').update(Buffer.from(reply.body, 'latin1')).digest('hex'), hash)
    peer.end()
    const lines = await proxy.logged(2)
    assert.deepEqual(
      lines.map(({ bytesIn, bytesOut }) => [bytesIn, bytesOut]),
      [
        [sent.length, sent.length],
        [sent.length, sent.length],
      ],
      'the tunnel has what its requests moved',
    )
  })

  test('HEAD, 204 and 304 keep the connection, without a body', async (t) => {
    const target = await startTarget(t, (request, response) => {
      if (request.url === '/204' || request.url === '/304') response.statusCode = Number(request.url.slice(1))
      response.end(request.url === '/' ? 'body' : undefined)
    })
    const proxy = await startIntercepting(t, target.port)
    const { peer } = await openSecured(proxy)
    for (const [method, path, status] of [
      ['HEAD', '/', 200],
      ['GET', '/204', 204],
      ['GET', '/304', 304],
      ['GET', '/', 200],
    ] as const) {
      peer.send(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
      assert.equal((await peer.reply(method)).status, status)
    }
    peer.end()
  })

  test('an upgrade leaves HTTP inside the tunnel, and lives as long as a tunnel', async (t) => {
    const target = await startTarget(t)
    target.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello')
      socket.pipe(socket)
    })
    const proxy = await startIntercepting(t, target.port, { forward: { timeouts: { stall: '50ms' } } })
    const { peer } = await openSecured(proxy)
    peer.send('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
    await peer.until(({ text: got }) => got.endsWith('hello'), 'the first bytes of the other protocol')
    peer.send('ping')
    await peer.until(({ text: got }) => got.endsWith('helloping'), 'the echo')
    assert.equal(proxy.count('tunnels'), 2, 'the tunnel, and the one within')
    peer.end()
    const [inner, outer] = await proxy.logged(2)
    assert.deepEqual([inner!.status, inner!.bytesIn, inner!.bytesOut], [101, 4, 9])
    assert.deepEqual([outer!.method, outer!.bytesIn, outer!.bytesOut], ['CONNECT', 4, 9])
  })

  test('H26 another host than the tunnel’s is not served in it', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const { peer } = await openSecured(proxy)
    for (const [head, status] of [
      ['GET / HTTP/1.1\r\nHost: b.test\r\n\r\n', 421],
      ['GET https://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n', 200],
      ['GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 421],
      ['CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n', 405],
    ] as const) {
      const client = status === 405 ? (await openSecured(proxy)).peer : peer
      client.send(head)
      assert.equal((await client.reply()).status, status, head)
      if (client !== peer) client.end()
    }
    peer.end()
  })

  test('what is no HTTP gets 400', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const { peer } = await openSecured(proxy)
    peer.send('\x00\x01\x02\x03 no HTTP\r\n\r\n')
    assert.equal((await peer.reply()).status, 400)
    peer.end()
  })

  test('H19 a connection that the target closed meanwhile is made anew', async (t) => {
    const target = await startTarget(t, (request, response) => {
      response.on('finish', () => setImmediate(() => request.socket.end()))
      response.end(`${request.url}`)
    })
    const proxy = await startIntercepting(t, target.port)
    const { peer } = await openSecured(proxy)
    for (const path of ['/1', '/2']) {
      peer.send(get('', path))
      assert.equal((await peer.reply()).body, path)
      await proxy.when(() => proxy.count('upstreamSockets') === 0, 'the target to close')
    }
    peer.end()
  })

  test('a client that goes takes its request with it; a target that goes is told of', async (t) => {
    const asked = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const target = await startTarget(t, (request, response) => {
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 100 }).write('some')
        setImmediate(() => response.destroy())
      } else if (request.url === '/drop') request.socket.destroy()
      else {
        request.socket.on('close', () => aborted.resolve())
        asked.resolve()
      }
    })
    const proxy = await startIntercepting(t, target.port)
    const cut = await openSecured(proxy)
    cut.peer.send(get('', '/cut'))
    await cut.peer.until(({ closed, ended }) => closed || ended, 'the end')
    assert.ok(cut.peer.text.endsWith('some'))
    const dropped = await openSecured(proxy)
    dropped.peer.send('POST /drop HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n')
    assert.equal((await dropped.peer.reply()).status, 502)
    const gone = await openSecured(proxy)
    gone.peer.send(get('', '/wait'))
    await asked.promise
    gone.socket.destroy()
    await aborted.promise
    dropped.peer.end()
  })

  test('a stop lets the reply at hand end, and then closes', async (t) => {
    const answer = Promise.withResolvers<void>()
    const target = await startTarget(t, (_request, response) => {
      response.write('first')
      void answer.promise.then(() => response.end(' last'))
    })
    const proxy = await startIntercepting(t, target.port)
    const busy = await openSecured(proxy)
    const idle = await openSecured(proxy)
    busy.peer.send(get())
    await busy.peer.until(({ text: got }) => got.includes('first'), 'the first piece')
    const stopped = proxy.turnpike.stop(5_000)
    await idle.peer.until(({ closed, ended }) => closed || ended, 'the idle one to close')
    answer.resolve()
    await busy.peer.until(({ text: got }) => got.includes('last'), 'the last piece')
    assert.deepEqual(await stopped, { cut: 0 })
  })

  test('a stop that waits for nothing cuts all of it, and says so', async (t) => {
    const target = await startTarget(t, (_request, response) => void response.write('first'))
    const proxy = await startIntercepting(t, target.port)
    const busy = await openSecured(proxy)
    await openSecured(proxy)
    busy.peer.send(get())
    await busy.peer.until(({ text: got }) => got.includes('first'), 'the first piece')
    assert.deepEqual(await proxy.turnpike.stop(0), { cut: 2 })
  })

  test('a client that leaves while its target is still silent, or in the middle of the handshake, leaves nothing', async (t) => {
    const mute = createServer((socket) => void socket.on('error', () => {}).resume())
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    t.after(() => mute.close())
    const silent = await startIntercepting(t, portOf(mute))
    const hello = await captureHello((port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`])
    const early = await openTunnel(silent.port, 'a.test:443')
    early.send(hello)
    await silent.when(() => silent.count('tunnels') === 1, 'the handshake with the target')
    early.reset()
    assert.equal((await silent.logged(1))[0]!.cause, 'ERR_CLIENT_ABORT')
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const late = await openTunnel(proxy.port, 'a.test:443')
    late.send(hello)
    await late.until(({ text: got }) => got.length > 100, 'the ServerHello')
    late.reset()
    assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_LEAF_REFUSED')
    for (const each of [silent, proxy])
      await each.when(() => each.count('tunnels') + each.count('upstreamSockets') === 0, 'nothing to be left')
  })

  test('a reload ends tunnels at the end of their reply: the next one is opened under the new rules', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const { peer } = await openSecured(proxy)
    peer.send(get())
    assert.equal((await peer.reply()).status, 200)
    const { result } = await proxy.turnpike.reload(denying)
    assert.equal(result, 'applied')
    await peer.until(({ closed, ended }) => closed || ended, 'the tunnel to end')
    await proxy.when(() => proxy.count('generations') === 1, 'the old generation to end')
  })

  test('a reload between the handshake and the first request takes nothing from the client', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const [asks, stays] = await Promise.all([openSecured(proxy), openSecured(proxy)])
    assert.equal((await proxy.turnpike.reload(denying)).result, 'applied')
    asks.peer.send(get())
    const reply = await asks.peer.reply()
    assert.equal(reply.status, 200)
    assert.equal(reply.field('connection'), 'close')
    for (const { peer } of [asks, stays])
      await peer.until(({ closed, ended }) => closed || ended, 'the tunnel to end, whether it was used or not')
    await proxy.when(() => proxy.count('generations') === 1, 'the old generation to end')
  })

  test('two names at a time have a certificate each', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    const both = await Promise.all(['a.test', 'b.test'].map((host) => openSecured(proxy, host)))
    const names = both.map(({ socket }) => socket.getPeerCertificate().subjectaltname)
    assert.deepEqual(names, ['DNS:a.test', 'DNS:b.test'])
    for (const { peer } of both) peer.end()
  })
})
