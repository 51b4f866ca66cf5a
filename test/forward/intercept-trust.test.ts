import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { connect, createServer, TLSSocket, type TlsOptions } from 'node:tls'
import { describe, test, type TestContext } from 'node:test'
import { testCertificate } from '../support/certificates.ts'
import { testAuthority } from '../support/forward/authority.ts'
import {
  openSecured,
  openTunnel,
  startIntercepting,
  startTarget,
  targetCertificate,
  targetRoot,
  type InterceptingOptions,
} from '../support/forward/start-intercepting.ts'
import { freePort, portOf } from '../support/peers/free-port.ts'
import { get } from '../support/raw-client.ts'

/** What a client sees that asks through a tunnel, and the cause in the log. */
async function asked(t: TestContext, port: number, options: InterceptingOptions = {}) {
  const proxy = await startIntercepting(t, port, options)
  const { peer, socket } = await openSecured(proxy)
  const issuer = socket.getPeerX509Certificate()!.issuer
  peer.send(get())
  const reply = await peer.reply()
  peer.end()
  const [line] = await proxy.logged(1)
  return { reply, issuer, line: line! }
}

describe('T7 the target is verified before a client sees a certificate for it', () => {
  const cases: [what: string, certificate: () => { cert: string; key: string }, reason: RegExp][] = [
    ['another name', () => targetCertificate('other.test'), /a\.test is not valid: Hostname\/IP does not match/],
    [
      'signed by itself',
      () => testCertificate({ subject: 'a.test', names: ['DNS:a.test'] }),
      /a\.test is not valid: self-signed certificate/,
    ],
    [
      'an unknown authority',
      () => {
        const issuer = testCertificate({ subject: 'Nobody', authority: true })
        return testCertificate({ subject: 'a.test', names: ['DNS:a.test'], issuer })
      },
      /a\.test is not valid: unable to (?:verify the first|get local issuer) certificate/,
    ],
  ]
  for (const [what, certificate, reason] of cases) {
    test(`T7 ${what}: an error page in our name, and nothing of the request leaves`, async (t) => {
      let requests = 0
      const { cert, key } = certificate()
      const target = await startTarget(t, () => requests++, { cert, key })
      const { reply, line, issuer } = await asked(t, target.port)
      assert.equal(reply.status, 502)
      assert.match(reply.field('proxy-status')!, /error=tls_certificate_error; details="ERR_TLS_CERTIFICATE"/)
      assert.match(reply.body, reason)
      assert.equal(reply.field('connection'), 'close')
      assert.match(issuer, /Turnpike|CN=/)
      assert.equal(line.cause, 'ERR_TLS_CERTIFICATE')
      assert.equal(requests, 0)
    })
  }

  test('T7 expired', async (t) => {
    const { authority, file } = await testAuthority(t)
    const { chain, key } = authority.issue(['a.test'], 60_000, Date.now() - 86_400_000)
    const target = await startTarget(t, undefined, { cert: chain, key })
    const { reply } = await asked(t, target.port, { intercept: { upstreamTls: { ca: file } } })
    assert.match(reply.body, /a\.test is not valid: certificate has expired/)
  })

  test('T7 a version that is too low: TLS with the target fails', async (t) => {
    const target = await startTarget(t, undefined, { ...targetCertificate('a.test'), maxVersion: 'TLSv1.2' })
    const { reply } = await asked(t, target.port, { intercept: { upstreamTls: { minVersion: '1.3' } } })
    assert.equal(reply.status, 502)
    assert.match(reply.field('proxy-status')!, /ERR_TLS_UPSTREAM/)
    assert.match(reply.body, /No TLS with a\.test: tlsv1 alert protocol version/)
  })

  test('a target may be limited to TLS 1.2, and to application protocols', async (t) => {
    const offered: (string[] | undefined)[] = []
    const target = await startTarget(
      t,
      (request, response) => void response.end(request.socket instanceof TLSSocket ? request.socket.getProtocol() : ''),
      {
        ...targetCertificate('a.test'),
        ALPNCallback: ({ protocols }: { protocols: string[] }) => {
          offered.push(protocols)
          return protocols.at(-1)
        },
      },
    )
    const upstreamTls = { maxVersion: '1.2' as const, alpn: ['h2', 'http/1.1'] }
    assert.equal((await asked(t, target.port, { intercept: { upstreamTls } })).reply.body, 'TLSv1.2')
    assert.deepEqual(offered, [['h2', 'http/1.1']])
  })

  test('a target that settles on a protocol which is not spoken is told of', async (t) => {
    const target = await tlsServer(t, { ...targetCertificate('a.test'), ALPNProtocols: ['h2'] })
    const { reply } = await asked(t, target, { intercept: { upstreamTls: { alpn: ['h2', 'http/1.1'] } } })
    assert.match(reply.body, /ERR_TLS_UPSTREAM: No TLS with a\.test: it asks for "h2"/)
  })

  for (const version of ['-tls1_3', '-tls1_2']) {
    test(`a target that wants a client certificate is told of: none can be relayed (openssl s_server ${version})`, async (t) => {
      const { certFile, keyFile } = targetCertificate('a.test')
      const port = await freePort()
      const options = `-quiet -www ${version} -Verify 1 -verify_return_error -accept 127.0.0.1:${port}`.split(' ')
      const server = spawn('openssl', ['s_server', ...options, '-cert', certFile, '-key', keyFile], { stdio: 'ignore' })
      t.after(() => server.kill())
      await listening(port)
      const { reply } = await asked(t, port)
      assert.equal(reply.status, 502)
      assert.match(
        reply.body,
        version === '-tls1_3'
          ? /a\.test asks for a client certificate, which/
          : /No TLS with a\.test: .*handshake failure/,
      )
    })
  }

  test('T7 no TLS at all, and silence, end in an error page too', async (t) => {
    const plain = await startPlain(t, (socket) => socket.once('data', () => socket.end('no TLS here')))
    assert.match((await asked(t, plain)).reply.field('proxy-status')!, /ERR_TLS_UPSTREAM/)
    const mute = await startPlain(t, () => {})
    const { reply } = await asked(t, mute, { forward: { timeouts: { tls: '100ms' } } })
    assert.equal(reply.status, 504)
    assert.match(reply.body, /ERR_TLS_TIMEOUT/)
  })
})

describe('T8 clients that refuse the certificate', () => {
  test('T8 are named in the log', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    await refuse(proxy.port)
    const [line] = await proxy.logged(1)
    assert.equal(line!.method, 'CONNECT')
    assert.equal(line!.cause, 'ERR_LEAF_REFUSED')
  })

  test('T8 are spliced from then on, that client and that name alone', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port, { intercept: { spliceAfterRefusals: 2 } })
    await refuse(proxy.port)
    await refuse(proxy.port)
    await proxy.logged(2)
    const spliced = await openSecured(proxy, 'a.test', { ca: targetRoot().cert })
    assert.match(spliced.socket.getPeerX509Certificate()!.issuer, /Root of the targets/)
    spliced.peer.send(get())
    assert.equal((await spliced.peer.reply()).status, 200)
    spliced.peer.end()
    const other = await openSecured(proxy, 'b.test')
    assert.doesNotMatch(other.socket.getPeerX509Certificate()!.issuer, /Root of the targets/)
    other.peer.send('GET / HTTP/1.1\r\nHost: b.test\r\n\r\n')
    assert.equal((await other.peer.reply()).status, 200)
    other.peer.end()
  })

  test('T8 one that speaks in between begins anew', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port, { intercept: { spliceAfterRefusals: 2 } })
    for (const _ of [1, 2]) {
      await refuse(proxy.port)
      const { peer, socket } = await openSecured(proxy)
      assert.doesNotMatch(socket.getPeerX509Certificate()!.issuer, /Root of the targets/)
      peer.send(get())
      assert.equal((await peer.reply()).status, 200)
      peer.end()
    }
  })

  test('T8 names in the bypass list are never looked into', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port, { intercept: { bypass: ['*.test'] } })
    const { peer, socket } = await openSecured(proxy, 'a.test', { ca: targetRoot().cert })
    assert.match(socket.getPeerX509Certificate()!.issuer, /Root of the targets/)
    peer.end()
    assert.equal((await proxy.logged(1))[0]!.method, 'CONNECT')
  })

  test('a client that offers nothing but HTTP/2 gets an alert', async (t) => {
    const target = await startTarget(t)
    const proxy = await startIntercepting(t, target.port)
    await assert.rejects(openSecured(proxy, 'a.test', { ALPNProtocols: ['h2'] }), {
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
    const { socket, peer } = await openSecured(proxy, 'a.test', { ALPNProtocols: ['h2', 'http/1.1'] })
    assert.equal(socket.alpnProtocol, 'http/1.1')
    peer.end()
  })
})

/** Resolves when a program answers at the port. */
async function listening(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.unref()
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A client that trusts nobody: resolves once it has turned its back. */
async function refuse(port: number, host = 'a.test'): Promise<void> {
  const { socket: plain } = await openTunnel(port, `${host}:443`)
  plain.removeAllListeners('data')
  const socket = connect({ socket: plain, servername: host, ca: [] })
  await once(socket, 'error')
  await new Promise<void>((resolve) => (plain.destroyed ? resolve() : plain.once('close', () => resolve())))
}

async function startPlain(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
    t.after(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

async function tlsServer(t: TestContext, options: TlsOptions): Promise<number> {
  const server = createServer(options, (socket) => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}
