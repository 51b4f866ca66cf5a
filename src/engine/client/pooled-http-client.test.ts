import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { test, type TestContext } from 'node:test'
import { startBlackHole } from '../../../test/support/black-hole.ts'
import { testCertificate } from '../../../test/support/certificates.ts'
import { answering, ok, startOrigin } from '../../../test/support/origin.ts'
import { portOf } from '../../../test/support/peers/free-port.ts'
import { requireProgram } from '../../../test/support/peers/require-program.ts'
import { CidrSet } from '../../core/address.ts'
import { TurnpikeError } from '../../core/error.ts'
import { PublicAddresses } from '../../policy/public-addresses.ts'
import { createEngine } from '../engine.ts'
import { ledgerKinds, type Ledger, type LedgerKind } from '../ledger.ts'
import { realWorld } from '../real-world.ts'
import { Scope } from '../scope.ts'
import type { EngineServices } from '../services.ts'
import { SharedStates } from '../shared-states.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import type { ClientReply, ClientRequest } from './http-client.ts'
import { PooledHttpClient } from './pooled-http-client.ts'

const timeouts = { connectMs: 2_000, tlsMs: 2_000, firstByteMs: 2_000, stallMs: 2_000 }

interface Harness {
  services: EngineServices
  get: (url: string, more?: Partial<ClientRequest>) => Promise<ClientReply>
  close: () => Promise<void>
}

const alive = (ledger: Ledger): LedgerKind[] => ledgerKinds.filter((kind) => ledger.count(kind) > 0)

/** A client of its own engine; at the end of the test nothing of it is left. */
function harness(t: TestContext, via = 'edge'): Harness {
  const world = realWorld()
  const services = createEngine({
    world,
    observer: { routed() {}, finished: () => assert.fail('seen as a client’s') },
    pseudonym: 'edge',
    userAgent: 'turnpike/1.2.3',
  })
  const { ledger } = services
  const scope = new Scope({ world, ledger, states: new SharedStates(), onError: (error) => assert.fail(String(error)) })
  const client = new PooledHttpClient(services, via, scope)
  t.after(async () => {
    await scope.close()
    for (let turn = 0; turn < 50 && alive(ledger).length > 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 2))
    assert.deepEqual(alive(ledger), [])
  })
  return {
    services,
    get: (url, more = {}) => client.request({ method: 'GET', url: new URL(url), timeouts, ...more }),
    close: () => scope.close(),
  }
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${portOf(server)}`
}

async function bytesOf(reply: ClientReply): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of reply.body) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof TurnpikeError ? `${error.code} ${error.phase}` : String(error)),
  )
}

async function* broken(): AsyncGenerator<Buffer> {
  yield Buffer.from('12345')
  throw new TurnpikeError('ERR_MODULE_STORE')
}

test('a request names its host, us and nothing of a client; its connection is kept', async (t) => {
  const origin = await startOrigin(t)
  const { get, services } = harness(t)
  const first = await get(`http://user:secret@127.0.0.1:${origin.port}/a%20b?q=1`, { fields: [['Accept', '*/*']] })
  assert.equal(first.status, 200)
  assert.equal(first.length, 5)
  assert.equal(first.tlsVersion, null)
  assert.equal(first.reused, false)
  assert.equal(String(await bytesOf(first)), 'hello')
  const second = await get(`${origin.url}/`)
  assert.equal(second.reused, true)
  await bytesOf(second)
  const [message] = origin.requests
  assert.equal(message!.line, 'GET /a%20b?q=1 HTTP/1.1')
  assert.deepEqual(
    message!.fields.map(([name, value]) => `${name}: ${value}`),
    [`host: 127.0.0.1:${origin.port}`, 'accept: */*', 'user-agent: turnpike/1.2.3', 'via: 1.1 edge'],
  )
  assert.equal(services.ledger.count('ownRequests'), 0)
})

test('bodies of every framing arrive whole', async (t) => {
  const big = Buffer.alloc(3_000_000, 'x')
  const { get } = harness(t)
  const url = await serve(t, (request, response) => {
    if (request.url === '/length') response.setHeader('Content-Length', big.length)
    if (request.url === '/close') response.useChunkedEncodingByDefault = false
    if (request.url === '/none') response.writeHead(204).end()
    else if (request.url === '/chunked') response.write(big, () => response.end())
    else response.end(request.url === '/empty' ? '' : big)
  })
  for (const [path, length, bytes] of [
    ['/length', big.length, big],
    ['/chunked', -1, big],
    ['/close', -1, big],
    ['/empty', 0, Buffer.alloc(0)],
    ['/none', 0, Buffer.alloc(0)],
  ] as const) {
    const reply = await get(url + path)
    assert.equal(reply.length, length, path)
    assert.ok(bytes.equals(await bytesOf(reply)), path)
  }
  const head = await get(`${url}/length`, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '3000000')
  assert.equal((await bytesOf(head)).length, 0)
})

test('a reader that is slow holds the sender up: memory is bounded', async (t) => {
  let sent = 0
  const piece = Buffer.alloc(64 * 1024)
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n')
    while (sent < 67_108_864) {
      sent += piece.length
      if (!connection.socket.write(piece)) await once(connection.socket, 'drain')
    }
  })
  const { get } = harness(t)
  const reply = await get(origin.url)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.ok(sent < 20_000_000, `${sent} bytes left the sender while nobody read`)
  let received = 0
  for await (const each of reply.body) received += each.length
  assert.equal(received, 67_108_864)
})

test('a reply that nobody reads gives its connection up', async (t) => {
  const { get, services } = harness(t)
  const url = await serve(t, (_request, response) => response.end(Buffer.alloc(20_000_000)))
  const reply = await get(url, { timeouts: { ...timeouts, stallMs: 60 } })
  while (services.ledger.count('ownRequests') > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(await codeOf(bytesOf(reply)), 'ERR_INTERNAL body')
})

test('to leave the body early gives the connection up', async (t) => {
  const { get, services } = harness(t)
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 50_000_000 })
    response.write(Buffer.alloc(1_000_000))
  })
  const reply = await get(url)
  for await (const piece of reply.body) {
    assert.ok(piece.length > 0)
    break
  }
  assert.equal(services.ledger.count('ownRequests'), 0)
})

test('a body of our own in pieces is sent as fast as the other side takes it', async (t) => {
  let most = 0
  let made = 0
  let received = 0
  const url = await serve(t, (request, response) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
      most = Math.max(most, made - received)
    })
    request.on('end', () => response.end(`${request.headers['content-length']} ${received}`))
  })
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < 800; at++) {
      made += 65_536
      yield Buffer.alloc(65_536, at)
    }
  }
  const { get } = harness(t)
  const length = 800 * 65_536
  const reply = await get(url, { method: 'PUT', body: { length, pieces: pieces() } })
  assert.equal(String(await bytesOf(reply)), `${length} ${length}`)
  assert.ok(most < 12_000_000, `${most} bytes were on their way`)
})

test('a body of our own that is not as long as announced is not sent as if it were', async (t) => {
  const url = await serve(t, (request, response) => void request.resume().on('end', () => response.end()))
  const { get } = harness(t)
  let closed = 0
  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      yield Buffer.from('12345')
      yield Buffer.from('67890')
    } finally {
      closed++
    }
  }
  for (const length of [7, 12])
    assert.equal(await codeOf(get(url, { method: 'PUT', body: { length, pieces: pieces() } })), 'ERR_INTERNAL send')
  assert.equal(closed, 2)
  assert.equal(
    await codeOf(get(url, { method: 'PUT', body: { length: 9, pieces: broken() } })),
    'ERR_MODULE_STORE body',
  )
})

test('H19 a kept connection that proves dead costs nothing; a new one that closes is an error', async (t) => {
  let closing = false
  const origin = await startOrigin(t, async (connection, { requests }, index) => {
    if (closing) return connection.end()
    requests.push((await connection.request())!)
    connection.send(ok(`from ${index}`))
    await connection.until(({ text, closed }) => text !== '' || closed, 'a second request', 60_000)
    connection.end()
  })
  const { get } = harness(t)
  for (const body of [null, Buffer.from('put')]) {
    await bytesOf(await get(origin.url))
    const again = await get(origin.url, body === null ? {} : { method: 'PUT', body })
    assert.equal(again.reused, false)
    assert.match(String(await bytesOf(again)), /from \d/)
    closing = true
    assert.equal(await codeOf(get(origin.url, { method: 'POST' })), 'ERR_UPSTREAM_CLOSED first-byte')
    closing = false
  }
})

test('H25 each deadline has its code', async (t) => {
  const { get } = harness(t)
  const short = { connectMs: 60, tlsMs: 60, firstByteMs: 60, stallMs: 60 }
  const hole = await startBlackHole(t)
  assert.equal(await codeOf(get(`http://127.0.0.1:${hole}`, { timeouts: short })), 'ERR_CONNECT_TIMEOUT dial')
  const mute = await startOrigin(t, async (connection) => connection.until(({ closed }) => closed, 'the end'))
  assert.equal(await codeOf(get(mute.url, { timeouts: short })), 'ERR_FIRST_BYTE_TIMEOUT first-byte')
  assert.equal(await codeOf(get(`https://127.0.0.1:${mute.port}`, { timeouts: short })), 'ERR_TLS_TIMEOUT tls')
  const stalls = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  })
  const reply = await get(stalls.url, { timeouts: short })
  assert.equal(await codeOf(bytesOf(reply)), 'ERR_STALL_TIMEOUT body')
  const cut = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    connection.end()
  })
  assert.equal(await codeOf(get(cut.url).then(bytesOf)), 'ERR_UPSTREAM_TRUNCATED body')
})

test('a signal ends it at every phase, and so does the scope', async (t) => {
  const { get, close } = harness(t)
  const mute = await startOrigin(t, async (connection) => {
    await connection.until(({ text }) => text !== '', 'a request')
    if (connection.text.includes('/body')) connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  })
  const hole = await startBlackHole(t)
  assert.equal(await codeOf(get(mute.url, { signal: AbortSignal.abort() })), 'ERR_CLIENT_ABORT body')
  for (const url of [`http://127.0.0.1:${hole}`, mute.url]) {
    const aborter = new AbortController()
    const asked = codeOf(get(url, { signal: aborter.signal }))
    setTimeout(() => aborter.abort(), 30)
    assert.equal(await asked, 'ERR_CLIENT_ABORT body')
  }
  const aborter = new AbortController()
  const reply = await get(`${mute.url}/body`, { signal: aborter.signal })
  aborter.abort(new TurnpikeError('ERR_TOTAL_TIMEOUT'))
  assert.equal(await codeOf(bytesOf(reply)), 'ERR_TOTAL_TIMEOUT body')
  const left = codeOf(get(mute.url))
  await close()
  assert.equal(await left, 'ERR_DRAINING dial')
  assert.equal(await codeOf(get(mute.url)), 'ERR_DRAINING dial')
})

test('TLS is verified, and says which version it is', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = testCertificate({ subject: 'up.test', names: ['IP:127.0.0.1'] })
  const { get } = harness(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const server = createTlsServer({ cert, key, maxVersion: version }, (_request, response) => response.end('secured'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `https://127.0.0.1:${portOf(server)}/`
    const reply = await get(url, { tls: new UpstreamTls({ ca: cert, minVersion: '1.2', verify: true }) })
    assert.equal(reply.tlsVersion, version)
    assert.equal(String(await bytesOf(reply)), 'secured')
    assert.equal(await codeOf(get(url)), 'ERR_TLS_CERTIFICATE tls', 'nor on a connection that others verified')
  }
})

test('F8 a guard stands before the dial, and its connections are not those of others', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => ok('inside')),
  )
  const { get } = harness(t)
  await bytesOf(await get(origin.url))
  const guard = new PublicAddresses(new CidrSet([]))
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', 'localhost', '[::ffff:127.0.0.1]'])
    assert.equal(await codeOf(get(`http://${host}:${origin.port}/`, { guard })), 'ERR_ADDRESS_FORBIDDEN dial', host)
  const open = await get(origin.url, { guard: new PublicAddresses(new CidrSet(['127.0.0.0/8'])) })
  assert.equal(open.reused, false)
  await bytesOf(open)
  assert.equal(await codeOf(get('ftp://127.0.0.1/')), 'ERR_CONNECT_FAILED dial')
  assert.equal(await codeOf(get(origin.url, { fields: [['A', 'b\r\nc: d']] })), 'ERR_HEADER_SYNTAX head')
})
