import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants } from 'node:http2'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { realWorld } from '../../src/engine/real-world.ts'
import { testCertificate } from '../support/certificates.ts'
import { startHttp2Endpoint, type Http2Script } from '../support/http2-endpoint.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import { probed, startMonitored, until, type ActiveInput } from './monitored.ts'

const fast = { interval: '20ms', timeout: '5s' } as const
const status = (code: number) => `HTTP/1.1 ${code} X\r\nContent-Length: 0\r\n\r\n`
/** Takes connections and says nothing. */
const silent = () => {}

/** A service that takes any bytes, on an address that `startOrigin` does not have. */
async function listening(t: TestContext, address: object, answer: string): Promise<ReturnType<typeof createServer>> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  }).listen(address)
  await once(server, 'listening')
  t.after(() => server.close())
  return server
}

test('W8 an endpoint goes down and up by its thresholds, to the probe', async (t) => {
  const codes = [200, 200, 503, 503, 200, 503, 503, 503, 200, 503, 200, 200, 200]
  const seen: boolean[] = []
  const origin = await startOrigin(
    t,
    answering(() => {
      seen.push(health!.up)
      return status(codes[seen.length - 1] ?? 200)
    }),
  )
  const { generation, notices } = startMonitored(t)
  const active = { ...fast, path: '/healthz?x=1', healthyAfter: 2, unhealthyAfter: 3, headers: { 'X-Probe': 'yes' } }
  const { healths } = generation([origin.url], { active })
  const [health] = healths
  await until(() => seen.length >= codes.length, 'the probes')
  // Two failures do not count for three, and one success not for two.
  assert.deepEqual(seen.slice(0, 13), [...Array(8).fill(true), ...Array(4).fill(false), true])
  assert.deepEqual(
    health!.history.events.map(({ event, reason }) => [event, reason]),
    [
      ['down', 'status 503'],
      ['up', 'probe passed'],
    ],
  )
  assert.deepEqual(notices, [
    `warn an endpoint is down: ${origin.url} status 503`,
    `info an endpoint is up: ${origin.url} probe passed`,
  ])
  const [request] = origin.requests
  assert.equal(request!.line, 'GET /healthz?x=1 HTTP/1.1')
  assert.deepEqual(request!.fields, [
    ['host', origin.url.slice('http://'.length)],
    ['user-agent', 'turnpike-probe'],
    ['x-probe', 'yes'],
    ['connection', 'close'],
  ])
  assert.ok(origin.connections.length >= 13, 'each probe has a connection of its own')
})

test('W8 a probe that hangs ends at its own deadline, and holds up no other', async (t) => {
  const hanging = await startOrigin(t, silent)
  const good = await startOrigin(t)
  const { generation, services } = startMonitored(t)
  const slow = generation([hanging.url], { active: { interval: '20ms', timeout: '60s' } })
  const { healths } = generation([hanging.url, good.url], {
    active: { interval: '20ms', timeout: '80ms', unhealthyAfter: 1 },
  })
  const [hung, fine] = healths
  await until(() => !hung!.up, 'the deadline')
  assert.equal(hung!.lastProbe!.outcome, 'timeout')
  assert.equal(hung!.lastProbe!.reason, 'ERR_FIRST_BYTE_TIMEOUT')
  assert.ok(hung!.lastProbe!.latencyMs >= 80 && hung!.lastProbe!.latencyMs < 5_000)
  await until(() => fine!.probes.passed >= 5, 'the probes of the other')
  assert.equal(fine!.probes.timeout + fine!.probes.failed, 0)
  // The one with a minute is still at its first.
  assert.ok(services.ledger.count('probes') >= 1)
  assert.equal(slow.healths[0]!.up, hung!.up)
})

test('W8 the body is part of the probe: too slow is too late, and of an endless one 64 KiB are read', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const dribbling = await startOrigin(t, async (peer) => {
    peer.send(head)
    while (!peer.closed && !peer.ended) {
      peer.send('1\r\na\r\n')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  let sent = 0
  const endless = await startOrigin(t, (peer) => {
    const piece = `4000\r\n${'a'.repeat(0x4000)}\r\n`
    const more = () => {
      while (!peer.closed && !peer.ended && peer.socket.write(piece)) sent += piece.length
    }
    peer.socket.on('drain', more)
    peer.send(head)
    more()
  })
  const { generation } = startMonitored(t)
  const { healths } = generation([dribbling.url, endless.url], { active: { interval: '10s', timeout: '200ms' } })
  await until(() => healths.every((health) => probed(health) === 1), 'both probes')
  assert.deepEqual(
    healths.map(({ lastProbe }) => [lastProbe!.outcome, lastProbe!.reason]),
    [
      ['timeout', 'ERR_STALL_TIMEOUT'],
      ['passed', ''],
    ],
  )
  const [peer] = endless.connections
  await peer!.until(({ closed }) => closed, 'the connection to be closed')
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`)
})

test('what passes: statuses, text or a regular expression in the body, whole replies alone', async (t) => {
  const cases: { answer: string; active: ActiveInput; outcome: string; reason: string; end?: boolean }[] = [
    { answer: status(204), active: {}, outcome: 'passed', reason: '' },
    { answer: status(302), active: {}, outcome: 'passed', reason: '' },
    { answer: status(404), active: {}, outcome: 'failed', reason: 'status 404' },
    { answer: status(404), active: { status: [200, '400-404'] }, outcome: 'passed', reason: '' },
    { answer: status(405), active: { status: [200, '400-404'] }, outcome: 'failed', reason: 'status 405' },
    { answer: ok('all is well'), active: { body: 'is well' }, outcome: 'passed', reason: '' },
    { answer: ok('all is lost'), active: { body: 'is well' }, outcome: 'failed', reason: 'the body does not match' },
    { answer: ok('{"state": "UP"}'), active: { body: { regex: '"state":\\s*"UP"' } }, outcome: 'passed', reason: '' },
    {
      answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nis we\r\n2\r\nll\r\n0\r\n\r\n',
      active: { body: 'is well' },
      outcome: 'passed',
      reason: '',
    },
    { answer: 'HTTP/1.0 200 OK\r\n\r\nis well', active: { body: 'is well' }, outcome: 'passed', reason: '', end: true },
    { answer: `HTTP/1.1 103 Early Hints\r\n\r\n${ok('x')}`, active: {}, outcome: 'passed', reason: '' },
    {
      answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
      active: { method: 'HEAD' },
      outcome: 'passed',
      reason: '',
    },
    {
      answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort',
      active: {},
      outcome: 'failed',
      reason: 'ERR_UPSTREAM_TRUNCATED',
      end: true,
    },
    { answer: '', active: {}, outcome: 'failed', reason: 'ERR_UPSTREAM_CLOSED', end: true },
    { answer: 'SSH-2.0-x\r\n', active: {}, outcome: 'failed', reason: 'ERR_UPSTREAM_HEAD' },
    { answer: 'HTTP/1.1 101 X\r\n\r\n', active: {}, outcome: 'failed', reason: 'ERR_UPSTREAM_UPGRADE' },
  ]
  const { generation } = startMonitored(t)
  for (const { answer, active, outcome, reason, end } of cases) {
    const origin = await startOrigin(t, async (peer) => {
      await peer.request()
      peer.send(answer)
      if (end === true) peer.end()
    })
    const { healths, close } = generation([origin.url], { active: { timeout: '5s', interval: '10s', ...active } })
    await until(() => probed(healths[0]!) === 1, answer)
    const { lastProbe } = healths[0]!
    assert.deepEqual([lastProbe!.outcome, lastProbe!.reason], [outcome, reason], answer)
    await close()
  }
})

test('a probe by TCP connects, and one by TLS makes the handshake', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const authority = testCertificate({ subject: 'authority', authority: true })
  const { cert, key } = testCertificate({ subject: 'app', names: ['IP:127.0.0.1'], issuer: authority })
  const tls = createTlsServer({ cert, key }, (socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  tls.on('tlsClientError', () => {})
  await once(tls, 'listening')
  t.after(() => tls.close())
  const plain = await startOrigin(t, silent)
  const { generation } = startMonitored(t)
  const outcomeOf = async (url: string, kind: 'tcp' | 'tls' | 'http', ca?: string): Promise<string> => {
    const { healths, close } = generation([url], { active: { kind, interval: '10s', timeout: '300ms' } }, ca)
    await until(() => probed(healths[0]!) === 1, url)
    const { lastProbe } = healths[0]!
    await close()
    return `${lastProbe!.outcome} ${lastProbe!.reason}`.trim()
  }
  const secure = `https://127.0.0.1:${portOf(tls)}`
  assert.equal(await outcomeOf(plain.url, 'tcp'), 'passed')
  assert.equal(await outcomeOf(secure, 'tcp'), 'passed')
  assert.equal(await outcomeOf(secure, 'tls', authority.cert), 'passed')
  assert.equal(await outcomeOf(secure, 'tls'), 'failed ERR_TLS_CERTIFICATE')
  assert.equal(await outcomeOf(`https://127.0.0.1:${plain.port}`, 'tls'), 'timeout ERR_TLS_TIMEOUT')
  assert.equal(await outcomeOf(secure, 'http', authority.cert), 'timeout ERR_FIRST_BYTE_TIMEOUT')
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const port = portOf(gone)
  await new Promise((resolve) => gone.close(resolve))
  assert.equal(await outcomeOf(`http://127.0.0.1:${port}`, 'tcp'), 'failed ERR_CONNECT_REFUSED')
})

test('IPv6 and Unix endpoints are probed, and another port where one is given', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-health-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'app.sock')
  await listening(t, { path }, ok('unix'))
  const six = await listening(t, { port: 0, host: '::1' }, ok('six'))
  const management = await startOrigin(t)
  const { generation } = startMonitored(t)
  const outcomeOf = async (url: string, active: object): Promise<string> => {
    const { healths, close } = generation([url], { active: { interval: '10s', timeout: '5s', ...active } })
    await until(() => probed(healths[0]!) === 1, url)
    await close()
    return healths[0]!.lastProbe!.outcome
  }
  assert.equal(await outcomeOf(`unix:${path}`, { body: 'unix' }), 'passed')
  assert.equal(await outcomeOf(`http://[::1]:${portOf(six)}`, { body: 'six' }), 'passed')
  assert.equal(await outcomeOf('http://127.0.0.1:1', { port: management.port, host: 'app.test' }), 'passed')
  assert.equal(await outcomeOf('http://127.0.0.1:1', { port: management.port }), 'passed')
  assert.deepEqual(
    management.requests.map((request) => request.field('host')),
    ['app.test', `127.0.0.1:${management.port}`],
  )
})

/** Answers by the path. */
const byPath: Http2Script = (stream, fields) => {
  if (fields[':path'] === '/hangs') return
  if (fields[':path'] === '/resets') return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  stream.respond({ ':status': fields[':path'] === '/well' ? 200 : 503 })
  stream.end(`hello ${String(fields[':authority'])} ${String(fields['user-agent'])}`)
}

test('an upstream with `http2` is probed by HTTP/2, over TLS and without', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = testCertificate({ subject: '127.0.0.1', names: ['IP:127.0.0.1'] })
  const plain = await startHttp2Endpoint(t, byPath)
  const secure = await startHttp2Endpoint(t, byPath, {}, { cert, key })
  const http1 = await startOrigin(t)
  const { generation } = startMonitored(t)
  const outcomeOf = async (url: string, input: ActiveInput): Promise<string> => {
    const active = { interval: '10s', timeout: '5s', ...input }
    const { healths, close } = generation([url], { active }, cert, true)
    await until(() => probed(healths[0]!) === 1, url)
    const { outcome, reason } = healths[0]!.lastProbe!
    await close()
    return `${outcome} ${reason}`.trim()
  }
  for (const { url } of [plain, secure]) {
    assert.equal(
      await outcomeOf(url, { path: '/well', host: 'app.test', body: 'hello app.test turnpike-probe' }),
      'passed',
    )
    assert.equal(await outcomeOf(url, { path: '/sick' }), 'failed status 503')
    assert.equal(await outcomeOf(url, { path: '/hangs', timeout: '50ms' }), 'timeout ERR_FIRST_BYTE_TIMEOUT')
    assert.equal(await outcomeOf(url, { path: '/resets' }), 'failed ERR_UPSTREAM_HTTP2')
    assert.equal(await outcomeOf(url, { path: '/well', method: 'HEAD' }), 'passed')
  }
  assert.equal(await outcomeOf(secure.url, { kind: 'tls' }), 'passed')
  assert.match(await outcomeOf(http1.url, {}), /^failed ERR_UPSTREAM_(?:HTTP2|CLOSED)$/)
})

test('W13 nothing that an endpoint does to a probe ends more than the probe', async (t) => {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  const goaway = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const unkind: ((peer: RawPeer) => void)[] = [
    (peer) => peer.reset(),
    (peer) => peer.end(),
    (peer) => void peer.until(({ text }) => text !== '', 'a request').then(() => peer.reset(), silent),
    (peer) => peer.send(Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 197) % 256))),
    (peer) => peer.send('HTTP/1.1 200 OK\r\nX: ' + 'a'.repeat(200_000)),
    (peer) => peer.send('HTTP/1.1 100 Continue\r\n\r\n'.repeat(40)),
    (peer) => peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    (peer) => {
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      peer.reset()
    },
    (peer) => peer.send(Buffer.concat([settings, goaway])),
    (peer) => {
      peer.send(settings)
      peer.reset()
    },
    (peer) => peer.send(Buffer.concat([settings, Buffer.from([0, 0, 5, 1, 5, 0, 0, 0, 1, 255, 255, 255, 255, 255])])),
  ]
  const { generation } = startMonitored(t)
  for (const http2 of [false, true]) {
    const origins = await Promise.all(unkind.map((script) => startOrigin(t, script)))
    const urls = origins.map(({ url }) => url)
    const { healths, close } = generation(urls, { active: { interval: '10s', timeout: '200ms' } }, undefined, http2)
    await until(() => healths.every((health) => probed(health) === 1), 'every probe')
    for (const [index, { lastProbe }] of healths.entries())
      assert.match(lastProbe!.outcome, /^(?:failed|timeout)$/, `${http2} ${index}`)
    await close()
  }
})

test('W8 probes wait for one of 64 places, and come up to a tenth early, never late', async (t) => {
  const world = realWorld()
  const setTimer = world.setTimer.bind(world)
  const delays: number[] = []
  const chance = [0, 0.5, 1]
  world.random = () => chance[delays.length % 3]!
  world.setTimer = (run, delayMs) => {
    if (delayMs > 50_000) delays.push(delayMs)
    return setTimer(run, delayMs)
  }
  const { generation, services } = startMonitored(t, world)
  const server = await listening(t, { port: 0, host: '0.0.0.0' }, status(200))
  // One service under many addresses.
  const urls = Array.from({ length: 150 }, (_, index) => `http://127.0.1.${index + 1}:${portOf(server)}`)
  const { healths } = generation(urls, { active: { interval: '100s', timeout: '5s' } })
  assert.equal(services.ledger.count('probes'), 64)
  await until(() => {
    assert.ok(services.ledger.count('probes') <= 64)
    return healths.every((health) => probed(health) === 1)
  }, 'every probe')
  assert.equal(delays.length, 150)
  for (const delay of delays) assert.ok(delay > 80_000 && delay <= 100_000, String(delay))
  assert.ok(Math.max(...delays) - Math.min(...delays) > 9_000, 'they drift apart')
})

test('W5 initial: up and down before the first probe; one passed probe is enough for who was never up', async (t) => {
  const held = Promise.withResolvers<void>()
  const origin = await startOrigin(
    t,
    answering(async () => {
      await held.promise
      return status(200)
    }),
  )
  const { generation } = startMonitored(t)
  const of = (initial: 'inherit' | 'up' | 'down') =>
    generation([origin.url], { active: { ...fast, initial, healthyAfter: 3, unhealthyAfter: 1 } })
  const upAtFirst = of('up')
  assert.equal(upAtFirst.healths[0]!.up, true)
  await upAtFirst.close()
  const inherits = of('inherit')
  assert.equal(inherits.healths[0]!.up, true)
  await inherits.close()
  const { healths } = of('down')
  assert.equal(healths[0]!.up, false)
  held.resolve()
  await until(() => healths[0]!.up, 'the first probe')
  assert.equal(healths[0]!.probes.passed, 1)
  assert.deepEqual(
    healths[0]!.history.events.map(({ event, reason }) => [event, reason]),
    [
      ['down', 'initial: down'],
      ['up', 'probe passed'],
    ],
  )
})
