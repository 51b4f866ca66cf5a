import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { LoopDelay } from '../../src/control/loop-delay.ts'
import { readProcessFacts } from '../../src/control/process-facts.ts'
import { prometheusText } from '../../src/control/prometheus.ts'
import { controlView } from '../../src/control-view.ts'
import { readProxyHeader } from '../../src/wire/proxy-protocol.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { testCertificate } from '../support/certificates.ts'
import { captureHello, reframed } from '../support/forward/capture-hello.ts'
import { chromium, helloClients } from '../support/forward/hello-clients.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { freePort } from '../support/peers/free-port.ts'
import { startNginx } from '../support/peers/nginx.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startSniGateway, startTlsServer, streamConfig } from '../support/sni-gateway.ts'

const run = promisify(execFile)
const own = testCertificate({ subject: 'own.test', names: ['DNS:own.test', 'DNS:app.test'] })
const tls = { certificates: [{ cert: own.certFile, key: own.keyFile }] }

/** RFC 8446 §6.2: fatal alerts. */
const alerts = { unrecognizedName: 'fatal 112', accessDenied: 'fatal 49', internalError: 'fatal 80' }

function alertOf(bytes: string): string {
  const [type, , , , length, level, description] = Buffer.from(bytes, 'latin1')
  assert.deepEqual([type, length, level], [21, 2, 2], JSON.stringify(bytes))
  return `fatal ${description}`
}

/** Says hello for a name by Node, and resolves with the socket once a line of the server's has come. */
async function greeted(
  t: TestContext,
  port: number,
  servername: string,
  ca?: string,
): Promise<{ socket: TLSSocket; line: string }> {
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca }
  const socket = connect({ port, host: '127.0.0.1', servername, ...trust })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  const [line] = await once(socket, 'data')
  return { socket, line: String(line) }
}

const helloFor = (name: string): Promise<Buffer> =>
  captureHello((port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', name])

function onlyLine({ log }: TestGateway): unknown {
  assert.equal(log.length, 1, JSON.stringify(log))
  return log[0]
}

test('T3 a stream reaches its server as it was sent, and its server’s own certificate the client', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const gateway = await startSniGateway(t, { to: [server.port] })
  const { socket, line } = await greeted(t, gateway.port, 'app.test', server.certificate.cert)
  assert.equal(line, 'this is app.test\n')
  socket.end()
  await gateway.logged(1)
  const {
    tls: ended,
    hello,
    route,
    upstream,
    endpoint,
    destination,
    status,
    protocol,
    path,
    attempts,
  } = Object(onlyLine(gateway))
  assert.deepEqual(
    { ended, route, upstream, endpoint, destination, status, protocol, path, attempts },
    {
      ended: undefined,
      route: 'through',
      upstream: 'app',
      endpoint: `tcp://127.0.0.1:${server.port}`,
      destination: 'sni',
      status: 200,
      protocol: 'TLS',
      path: 'app.test:443',
      attempts: 1,
    },
  )
  assert.equal(hello.sni, 'app.test')
  assert.equal(hello.tls, 'TLSv1.3')
  assert.match(hello.ja4, /^t13d/)
})

for (const { name, program, capture } of [...helloClients, chromium]) {
  test(`T1 T3 a hello of ${name} is routed alike however it is cut, and no byte of it is changed`, async (t) => {
    if (!requireProgram(t, program)) return
    const origin = await startOrigin(t, async (server) => {
      await server.until(({ ended }) => ended, 'the end of the client')
      server.end()
    })
    const gateway = await startSniGateway(t, { to: [origin.port] })
    const hello = await capture(t)
    let index = 0
    for (const size of [1, 7, 60, 200, 16_384]) {
      const bytes = Buffer.concat([reframed(hello, size), Buffer.from('and what follows')])
      for (const cut of [1, 5, 60, Math.floor(bytes.length / 2), bytes.length - 17, bytes.length]) {
        const client = await gateway.connect()
        client.send(bytes.subarray(0, cut))
        await new Promise((resolve) => setImmediate(resolve))
        client.send(bytes.subarray(cut))
        const server = await origin.connection(index++)
        await server.until(({ total }) => total === bytes.length, 'all bytes')
        assert.equal(server.text, bytes.toString('latin1'), `records of ${size}, cut at ${cut}`)
        client.end()
      }
    }
    const log = await gateway.logged(index)
    const seen = log.map((line) => `${Object(line).route} ${JSON.stringify(Object(line).hello)}`)
    assert.equal(new Set(seen).size, 1)
    assert.match(seen[0]!, /^through \{"sni":"real\.test","alpn":\["h2","http\/1\.1"\],"tls":"TLSv1\.3","ja4":"t13d/)
  })
}

test('T1 no hello that was altered harms the others', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await startOrigin(t, async (server) => {
    await server.until(({ ended, closed }) => ended || closed, 'the end of the client')
    server.end()
  })
  const gateway = await startSniGateway(t, { to: [origin.port], listener: { timeouts: { head: '50ms' } } })
  const hello = await helloFor('app.test')
  await Promise.all(
    Array.from({ length: 200 }, async (_, at) => {
      const altered = Buffer.from(hello)
      altered[(at * 7919) % altered.length] = (at * 104_729) & 255
      const client = await gateway.connect()
      client.send(at % 3 === 0 ? altered.subarray(0, (at * 31) % altered.length) : altered)
      client.end()
      await client.over()
    }),
  )
  await gateway.when(() => gateway.count('exchanges') === 0, 'all exchanges to end')
  const { length } = gateway.log
  const client = await gateway.connect()
  client.send(hello)
  client.end()
  assert.equal(Object((await gateway.logged(length + 1)).at(-1)).route, 'through')
})

test('T2 T3 who names nobody, or nobody that is known, gets the alert unrecognized_name and a line in the log', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await startOrigin(t, () => {})
  const gateway = await startSniGateway(t, {
    to: [origin.port],
    streams: [{ name: 'through', match: { sni: ['*.apps.test', 'one.test'] }, to: 'app' }],
  })
  const nameless = await captureHello((port) => [
    'openssl',
    's_client',
    '-noservername',
    '-connect',
    `127.0.0.1:${port}`,
  ])
  const cases: [Buffer, string][] = [
    [nameless, 'ERR_SNI_MISSING'],
    [await helloFor('apps.test'), 'ERR_NO_ROUTE'],
    [await helloFor('two.test'), 'ERR_NO_ROUTE'],
    [Buffer.from('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n'), 'ERR_SNI_MISSING'],
    [Buffer.concat([Buffer.from([22, 3, 1, 64, 0, 1, 0, 64, 1]), Buffer.alloc(16_380)]), 'ERR_SNI_MISSING'],
  ]
  for (const [bytes, cause] of cases) {
    const client = await gateway.connect()
    client.send(bytes)
    await client.over()
    assert.equal(alertOf(client.text), alerts.unrecognizedName, cause)
    const line = (await gateway.logged(cases.findIndex(([each]) => each === bytes) + 1)).at(-1)!
    assert.deepEqual([line.cause, line.protocol], [cause, 'TLS'])
  }
  const { stderr } = await run('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${gateway.port}`,
    '-servername',
    'x.test',
  ]).catch((error: { stderr: string }) => error)
  assert.match(stderr, /unrecognized name/i)
  assert.equal(origin.connections.length, 0)
  assert.equal((await gateway.logged(cases.length + 1)).length, cases.length + 1)
})

test('T1 a hello that does not become whole in time is told so; a connection that says nothing is closed', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const gateway = await startSniGateway(t, { to: [1], listener: { timeouts: { head: '60ms' } } })
  const hello = await helloFor('app.test')
  const slow = await gateway.connect()
  slow.send(hello.subarray(0, 100))
  const silent = await gateway.connect()
  await Promise.all([slow.over(), silent.over()])
  assert.notEqual(slow.text, '')
  assert.equal(silent.text, '')
  const { cause, phase } = Object(onlyLine(gateway))
  assert.deepEqual([cause, phase], ['ERR_HEAD_TIMEOUT', 'head'])
})

test('T3 on a listener with TLS the names of streams pass, and all others are ended here', async (t) => {
  if (!requireProgram(t, 'curl', 'nginx')) return
  const certificate = testCertificate({ subject: 'app.test', names: ['DNS:app.test'] })
  const nginx = await startNginx({
    name: 'nginx-stream-target',
    http: (port) => `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate.certFile};
      ssl_certificate_key ${certificate.keyFile}; location / { return 200 "nginx for $ssl_server_name\\n"; } }`,
  })
  t.after(() => nginx.stop())
  const gateway = await startSniGateway(t, {
    to: [nginx.port],
    streams: [{ name: 'through', match: { sni: 'app.test', listener: 'web' }, to: 'app' }],
    listener: { mode: 'proxy', tls },
  })
  const curl = async (name: string, authority: string): Promise<string> => {
    const url = `https://${name}:${gateway.port}/`
    const { stdout } = await run('curl', [
      '-s',
      '--cacert',
      authority,
      '--resolve',
      `${name}:${gateway.port}:127.0.0.1`,
      url,
    ])
    return stdout
  }
  assert.equal(await curl('app.test', certificate.certFile), 'nginx for app.test\n')
  assert.equal(await curl('own.test', own.certFile), 'ended here')
  const log = await gateway.logged(2)
  const lines = log.map((line) => [line.protocol, Object(line).route, Object(line).tls].join(' '))
  assert.deepEqual(
    lines.toSorted((one, other) => one.localeCompare(other)),
    ['HTTP/2 own TLSv1.3', 'TLS through '],
  )
})

test('F4 the end of either side reaches the other, and what still comes from there arrives', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await startOrigin(t, async (server) => {
    await server.until(({ ended }) => ended, 'the end of the client')
    server.send('late reply')
    server.end()
  })
  const gateway = await startSniGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(await helloFor('app.test'))
  client.end()
  await client.until(({ ended }) => ended, 'the end of the server')
  assert.equal(client.text, 'late reply')
  await gateway.logged(1)
  assert.equal(Object(onlyLine(gateway)).cause, undefined)
})

test('connections are shared between endpoints, and one that is dead costs a try and no client', async (t) => {
  const [one, two] = [await startTlsServer(t, 'one.test'), await startTlsServer(t, 'two.test')]
  const dead = await freePort()
  const gateway = await startSniGateway(t, { to: [one.port, dead, two.port] })
  const lines: string[] = []
  for (let at = 0; at < 6; at++) {
    const { socket, line } = await greeted(t, gateway.port, 'app.test')
    lines.push(line)
    socket.destroy()
  }
  assert.deepEqual(new Set(lines), new Set(['this is one.test\n', 'this is two.test\n']))
  const log = await gateway.logged(6)
  const failed = log.flatMap(({ failedAttempts = [] }) => failedAttempts)
  assert.ok(failed.length > 0)
  for (const { endpoint, cause } of failed)
    assert.deepEqual([endpoint, cause], [`tcp://127.0.0.1:${dead}`, 'ERR_CONNECT_REFUSED'])
})

test('where no endpoint can be reached, the client gets the alert internal_error', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const gateway = await startSniGateway(t, { to: [await freePort()] })
  const client = await gateway.connect()
  client.send(await helloFor('app.test'))
  await client.over()
  assert.equal(alertOf(client.text), alerts.internalError)
  const { cause, status } = Object((await gateway.logged(1))[0])
  assert.deepEqual([cause, status], ['ERR_CONNECT_REFUSED', 502])
})

test('probes by TCP take a dead endpoint out, and a circuit breaker opens by failed connections', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const dead = await freePort()
  const probed = await startSniGateway(t, {
    to: [dead, server.port],
    upstream: { health: { active: { kind: 'tcp', interval: '20ms', unhealthyAfter: 1 } } },
  })
  const members = [...probed.turnpike.generation.clusters.values()].flatMap((cluster) => cluster.members)
  await probed.when(() => !members[0]!.endpoint.health.up && members[1]!.endpoint.health.up, 'the probes')
  for (let at = 0; at < 4; at++) (await greeted(t, probed.port, 'app.test')).socket.destroy()
  assert.deepEqual(
    (await probed.logged(4)).map(({ attempts, endpoint }) => [attempts, endpoint]),
    Array.from({ length: 4 }, () => [1, `tcp://127.0.0.1:${server.port}`]),
  )
  const broken = await startSniGateway(t, { to: [dead], upstream: { circuitBreaker: { consecutiveFailures: 2 } } })
  for (let at = 0; at < 3; at++) {
    const socket = connect({ port: broken.port, host: '127.0.0.1', servername: 'app.test', rejectUnauthorized: false })
    await once(socket, 'error')
    socket.destroy()
  }
  const causes = (await broken.logged(3)).map(({ cause }) => cause)
  assert.deepEqual(causes, ['ERR_CONNECT_REFUSED', 'ERR_CONNECT_REFUSED', 'ERR_CIRCUIT_OPEN'])
})

test('the PROXY protocol tells an endpoint whose stream it is, in either version', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const hello = await helloFor('app.test')
  for (const version of ['v1', 'v2'] as const) {
    const origin = await startOrigin(t, () => {})
    const gateway = await startSniGateway(t, { to: [origin.port], upstream: { proxyProtocol: version } })
    const client = await gateway.connect()
    client.send(hello)
    const server = await origin.connection(0)
    await server.until(({ total }) => total > hello.length, 'header and hello')
    const bytes = Buffer.from(server.text, 'latin1')
    const header = readProxyHeader(bytes)
    assert.ok('done' in header && header.done)
    assert.deepEqual(header.source, { address: '127.0.0.1', port: client.socket.localPort })
    assert.deepEqual(header.destination, { address: '127.0.0.1', port: gateway.port })
    await server.until(({ total }) => total === header.bytes + hello.length, 'the hello')
    assert.ok(Buffer.from(server.text, 'latin1').subarray(header.bytes).equals(hello))
    client.socket.destroy()
  }
})

test('behind a load balancer with the PROXY protocol, a stream is its client’s, and the endpoint is told so', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await startOrigin(t, () => {})
  const gateway = await startSniGateway(t, {
    to: [origin.port],
    upstream: { proxyProtocol: 'v1' },
    listener: { proxyProtocol: { from: ['127.0.0.0/8'] } },
  })
  const client = await gateway.connect()
  client.send('PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n')
  client.send(await helloFor('app.test'))
  const server = await origin.connection(0)
  await server.until(({ text }) => text.includes('\r\n'), 'the header')
  assert.match(server.text, /^PROXY TCP4 203\.0\.113\.7 127\.0\.0\.1 4711 \d+\r\n/)
  server.reset()
  await client.over()
  assert.equal((await gateway.logged(1))[0]!.client, '203.0.113.7:4711')
})

test('middleware of the listener stands before streams too: who is not let in gets access_denied', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const server = await startTlsServer(t, 'app.test')
  const gateway = await startSniGateway(t, {
    to: [server.port],
    listener: { use: [{ ipFilter: { deny: ['127.0.0.0/8'] } }] },
  })
  const client = await gateway.connect()
  client.send(await helloFor('app.test'))
  await client.over()
  assert.equal(alertOf(client.text), alerts.accessDenied)
  const { cause, status, route } = Object((await gateway.logged(1))[0])
  assert.deepEqual([cause, status, route], ['ERR_IP_DENIED', 403, 'through'])
})

test('what middleware answers by itself is a refusal, and streams are counted under their name', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-streams-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'closed.ts')
  writeFileSync(
    file,
    `import { defineMiddleware, textReply } from 'turnpike'
     import { z } from 'zod'
export default defineMiddleware({ name: 'closed', options: z.strictObject({}), create: () => ({ request: () => textReply(503, 'closed') }) })`,
  )
  const server = await startTlsServer(t, 'app.test')
  const gateway = await startSniGateway(t, { to: [server.port], listener: { use: [file] } })
  const client = await gateway.connect()
  client.send(await helloFor('app.test'))
  await client.over()
  assert.equal(alertOf(client.text), alerts.internalError)
  const { cause, status, route } = Object((await gateway.logged(1))[0])
  assert.deepEqual([cause, status, route], [undefined, 503, 'through'])
  using loopDelay = new LoopDelay(() => performance.now())
  const facts = await readProcessFacts(() => Date.now())
  const text = [...prometheusText(controlView(gateway.turnpike, loopDelay), facts, 'prometheus')].join('')
  assert.match(text, /turnpike_requests_total\{[^}]*route="through"[^}]*\} 1\n/)
})

test('a stream lives on through reloads, until its stream or its endpoint goes', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const other = await startTlsServer(t, 'other.test')
  const gateway = await startSniGateway(t, { to: [server.port] })
  const { turnpike } = gateway
  const { socket } = await greeted(t, gateway.port, 'app.test')
  const echoed = async (text: string): Promise<void> => {
    socket.write(text)
    const [back] = await once(socket, 'data')
    assert.equal(String(back), text)
  }
  await echoed('one')
  const more = { ...streamConfig({ to: [server.port, other.port] }), shutdown: { drain: '20ms' } }
  assert.equal((await turnpike.reload(more)).result, 'applied')
  await gateway.when(() => gateway.count('generations') === 1, 'the old generation to end')
  await echoed('two')
  const gone = { ...streamConfig({ to: [other.port] }), shutdown: { drain: '20ms' } }
  const closed = new Promise((resolve) => socket.on('close', resolve))
  assert.equal((await turnpike.reload(gone)).result, 'applied')
  await closed
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_ROUTE_GONE')
})

test('a reload gives streams to a listener that had none, and what was open there goes on', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const listener = { mode: 'proxy', tls } as const
  const gateway = await startSniGateway(t, { to: [server.port], streams: [], listener })
  const before = connect({ port: gateway.port, host: '127.0.0.1', servername: 'app.test', ca: own.cert })
  t.after(() => before.destroy())
  await once(before, 'secureConnect')
  const next = streamConfig({ to: [server.port], listener })
  assert.equal((await gateway.turnpike.reload(next)).result, 'applied')
  const { line } = await greeted(t, gateway.port, 'app.test', server.certificate.cert)
  assert.equal(line, 'this is app.test\n')
  before.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
  const [reply] = await once(before, 'data')
  assert.match(String(reply), /^HTTP\/1\.1 200 OK\r\n/)
})

test('a stop waits for streams as long as it may, then cuts them', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const gateway = await startSniGateway(t, { to: [server.port] })
  const { socket } = await greeted(t, gateway.port, 'app.test')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  assert.deepEqual(await gateway.turnpike.stop(50), { cut: 1 })
  await closed
  const other = await startSniGateway(t, { to: [server.port] })
  const { socket: ending } = await greeted(t, other.port, 'app.test')
  const stopped = other.turnpike.stop(5_000)
  ending.end()
  assert.deepEqual(await stopped, { cut: 0 })
})

test('why tells what would take a stream today', async (t) => {
  const server = await startTlsServer(t, 'app.test')
  const gateway = await startSniGateway(t, { to: [server.port] })
  const { socket } = await greeted(t, gateway.port, 'app.test')
  socket.end()
  const [line] = await gateway.logged(1)
  using loopDelay = new LoopDelay(() => performance.now())
  const explain = (): unknown => controlView(gateway.turnpike, loopDelay).explain(Object(line))
  assert.deepEqual(explain(), { route: 'through', refusal: null, losers: [] })
  const others = [{ name: 'others', match: { sni: 'other.test' }, to: 'app' }]
  await gateway.turnpike.reload(streamConfig({ to: [server.port], streams: others }))
  assert.deepEqual(explain(), { route: null, refusal: 'ERR_NO_ROUTE', losers: [] })
})

test('a client that goes before its endpoint is reached leaves nothing behind', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const hello = await helloFor('app.test')
  const gateway = await startSniGateway(t, { to: [await startBlackHole(t)] })
  const client = await gateway.connect()
  client.send(hello)
  await gateway.when(() => gateway.count('dials') === 1, 'the dial')
  client.reset()
  const { cause, status } = Object((await gateway.logged(1))[0])
  assert.deepEqual([cause, status], ['ERR_CLIENT_ABORT', 499])
  await gateway.when(() => gateway.count('dials') === 0, 'no dial to be left')
})

test('a connection that has said nothing yet is closed at a stop', async (t) => {
  const gateway = await startSniGateway(t, { to: [1] })
  const client = await connectRaw(gateway.port)
  t.after(() => client.socket.destroy())
  await gateway.when(() => gateway.count('clientSockets') === 1, 'the connection')
  await gateway.turnpike.stop(0)
  assert.ok(['end', 'reset'].includes(await client.over()))
})
