import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, Socket as NetSocket, type Server } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { testCertificate } from '../../../test/support/certificates.ts'
import { requireProgram } from '../../../test/support/peers/require-program.ts'
import { TurnpikeError } from '../../core/error.ts'
import { Dialler, type DialHandle, type DialOptions, type DialTarget } from './dial.ts'
import type { Dialled } from './dialled.ts'
import { Ledger } from '../ledger.ts'
import { realWorld } from '../real-world.ts'
import { TimerWheel } from '../timers.ts'
import { UpstreamTls, type UpstreamTlsOptions } from '../tls/upstream-tls.ts'
import type { ResolvedAddress, World } from '../world.ts'

const plain: DialOptions = { connectMs: 2_000, tls: null, tlsMs: 2_000 }

interface Outcome {
  connection: Dialled
  received: () => string
  ended: Promise<void>
  closed: Promise<void>
}

class Harness {
  readonly ledger = new Ledger()
  readonly world: World
  private readonly dialler: Dialler

  constructor(world: World = realWorld()) {
    this.world = world
    this.dialler = new Dialler(world, new TimerWheel(world, this.ledger), this.ledger)
  }

  dial(target: DialTarget, options: DialOptions, given?: (handle: DialHandle) => void): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const handle = this.dialler.dial(target, options, {
        connected: (connection) => {
          let text = ''
          const ended = Promise.withResolvers<void>()
          const closed = Promise.withResolvers<void>()
          connection.attach({
            read(length, buffer) {
              text += buffer.latin1Slice(0, length)
              return true
            },
            nextBuffer: () => null,
            ended: ended.resolve,
            failed: closed.reject,
            closed: closed.resolve,
          })
          resolve({ connection, received: () => text, ended: ended.promise, closed: closed.promise })
        },
        failed: reject,
      })
      given?.(handle)
    })
  }

  async code(target: DialTarget, options: DialOptions = plain): Promise<string> {
    return this.dial(target, options).then(
      ({ connection }) => {
        connection.socket.destroy()
        return 'connected'
      },
      (error: unknown) => (error instanceof TurnpikeError ? error.code : String(error)),
    )
  }

  /** Waits until what closes by itself has closed, then says what is left. */
  async left(): Promise<number[]> {
    for (let turn = 0; turn < 20 && this.ledger.count('upstreamSockets') > 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return (['dials', 'upstreamSockets', 'timers'] as const).map((kind) => this.ledger.count(kind))
  }
}

function portOf(server: Server): number {
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

async function serve(t: TestContext, accept: (socket: NetSocket) => void, host = '127.0.0.1'): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    accept(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

const greet = (socket: NetSocket): void => {
  socket.end('hello')
  socket.resume()
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

const local = (port: number): DialTarget => ({ kind: 'tcp', host: '127.0.0.1', port })

test('a connection delivers bytes and the end, and leaves nothing in the ledger', async (t) => {
  const harness = new Harness()
  const port = await serve(t, greet)
  const { connection, ended, closed, received } = await harness.dial(local(port), plain)
  assert.deepEqual(connection.address, local(port))
  await ended
  assert.equal(received(), 'hello')
  connection.socket.end()
  await closed
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('a name resolves as the machine resolves it', async (t) => {
  const harness = new Harness()
  const port = await serve(t, greet)
  const { connection, ended } = await harness.dial({ kind: 'tcp', host: 'localhost', port }, plain)
  await ended
  connection.socket.destroy()
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('each failure has its code', async () => {
  const harness = new Harness()
  assert.equal(await harness.code(local(await closedPort())), 'ERR_CONNECT_REFUSED')
  assert.equal(await harness.code({ kind: 'unix', path: '/nowhere/s.sock' }), 'ERR_CONNECT_FAILED')
  assert.equal(await harness.code({ kind: 'tcp', host: 'name.invalid', port: 1 }), 'ERR_DNS')
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

/** Where nobody answers: an address whose attempt stays open until it is given up. */
const SILENT = '192.0.2.1'

interface Attempt {
  at: number
  host: string
}

/** The real world, but names resolve as told, and some addresses neither answer nor refuse. */
function shapedWorld(addresses: ResolvedAddress[] | null): { world: World; attempts: Attempt[] } {
  const real = realWorld()
  const attempts: Attempt[] = []
  const world: World = {
    now: () => real.now(),
    wallClock: () => real.wallClock(),
    setTimer: (run, delayMs) => real.setTimer(run, delayMs),
    soon: (run) => real.soon(run),
    random: () => real.random(),
    listen: (address, events) => real.listen(address, events),
    bindUdp: (address, events) => real.bindUdp(address, events),
    originalDestination: (socket) => real.originalDestination(socket),
    resolve(_name, done) {
      if (addresses !== null) real.soon(() => done(null, addresses))
    },
    dial(address, events) {
      if (address.kind === 'tcp') attempts.push({ at: real.now(), host: address.host })
      if (address.kind === 'unix' || address.host !== SILENT) return real.dial(address, events)
      return new NetSocket().on('close', () => events.closed())
    },
  }
  return { world, attempts }
}

const named = (port: number): DialTarget => ({ kind: 'tcp', host: 'name.test', port })
const four = (address: string): ResolvedAddress => ({ address, family: 4 })
const six = (address: string): ResolvedAddress => ({ address, family: 6 })

test('RFC 8305: the next address is tried after 250 ms, the first to connect wins, the others are given up', async (t) => {
  const { world, attempts } = shapedWorld([four(SILENT), four('127.0.0.1')])
  const harness = new Harness(world)
  const port = await serve(t, greet)
  const { connection } = await harness.dial(named(port), plain)
  assert.deepEqual(connection.address, local(port))
  const [first, second] = attempts
  const delay = second!.at - first!.at
  assert.ok(delay >= 245 && delay < 400, `${delay} ms`)
  connection.socket.destroy()
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('RFC 8305: families take turns, and a refusal starts the next attempt at once', async () => {
  const { world, attempts } = shapedWorld([six('::1'), six('::1'), four('127.0.0.1'), four('127.0.0.2')])
  const harness = new Harness(world)
  assert.equal(await harness.code(named(await closedPort())), 'ERR_CONNECT_REFUSED')
  assert.deepEqual(
    attempts.map(({ host }) => host),
    ['::1', '127.0.0.1', '::1', '127.0.0.2'],
  )
  assert.ok(attempts[3]!.at - attempts[0]!.at < 200)
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('H25 timer connect covers resolving and connecting, and says which it was', async () => {
  const unresolved = new Harness(shapedWorld(null).world)
  assert.equal(await unresolved.code(named(1), { ...plain, connectMs: 40 }), 'ERR_DNS_TIMEOUT')
  assert.deepEqual(await unresolved.left(), [0, 0, 0])
  const unanswered = new Harness(shapedWorld([four(SILENT)]).world)
  assert.equal(await unanswered.code(named(1), { ...plain, connectMs: 40 }), 'ERR_CONNECT_TIMEOUT')
  assert.deepEqual(await unanswered.left(), [0, 0, 0])
})

test('H25 a deadline that comes late because the loop was busy finds the connection made', async (t) => {
  const harness = new Harness()
  const port = await serve(t, greet)
  const dialling = harness.dial(local(port), { ...plain, connectMs: 20 })
  const until = performance.now() + 100
  while (performance.now() < until);
  const { connection } = await dialling
  connection.socket.destroy()
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('H20 a dial can be given up at every phase, and nothing is called any more', async (t) => {
  const mute = await serve(t, (socket) => socket.resume())
  const phases: [string, Harness, DialTarget, DialOptions][] = [
    ['resolving', new Harness(shapedWorld(null).world), named(1), plain],
    ['connecting', new Harness(shapedWorld([four(SILENT)]).world), named(1), plain],
    ['handshake', new Harness(), local(mute), { ...plain, tls: new UpstreamTls({ minVersion: '1.2', verify: true }) }],
  ]
  for (const [phase, harness, target, options] of phases) {
    let called = false
    const mark = (): void => {
      called = true
    }
    const handle = await new Promise<DialHandle>((resolve) => {
      harness.dial(target, options, resolve).then(mark, mark)
    })
    if (phase !== 'resolving') await new Promise((resolve) => setTimeout(resolve, 30))
    handle.cancel()
    handle.cancel()
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(called, false, phase)
    assert.deepEqual(await harness.left(), [0, 0, 0], phase)
  }
})

async function serveTls(t: TestContext, options: TlsOptions, accept: (socket: TLSSocket) => void): Promise<number> {
  const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

const material = () => testCertificate({ subject: 'up.test', names: ['DNS:up.test', 'IP:127.0.0.1'] })
const secured = (options: Partial<UpstreamTlsOptions>): DialOptions => ({
  ...plain,
  tls: new UpstreamTls({ minVersion: '1.2', verify: true, ...options }),
})

test('TLS: bytes and the end arrive, with the SNI and the protocol that were asked for', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = material()
  const seen: unknown[] = []
  const port = await serveTls(t, { cert, key }, (socket) => {
    seen.push(socket.servername, socket.alpnProtocol)
    socket.on('data', (chunk) => socket.end(chunk))
  })
  const harness = new Harness()
  for (const serverName of ['up.test', undefined]) {
    const options = secured({ ca: cert, ...(serverName !== undefined && { serverName }) })
    const { connection, ended, closed, received } = await harness.dial(local(port), options)
    connection.socket.write('ping', 'latin1')
    await ended
    assert.equal(received(), 'ping')
    connection.socket.end()
    await closed
  }
  // RFC 6066 §3: no SNI for an address.
  assert.deepEqual(seen, ['up.test', 'http/1.1', false, 'http/1.1'])
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('TLS: an endpoint is verified unless the config says otherwise', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = material()
  const port = await serveTls(t, { cert, key }, (socket) => socket.resume())
  const harness = new Harness()
  assert.equal(await harness.code(local(port), secured({})), 'ERR_TLS_CERTIFICATE', 'unknown authority')
  const other = secured({ ca: cert, serverName: 'other.test' })
  assert.equal(await harness.code(local(port), other), 'ERR_TLS_CERTIFICATE', 'another name')
  assert.equal(await harness.code(local(port), other), 'ERR_TLS_CERTIFICATE', 'and not resumed the second time')
  assert.equal(await harness.code(local(port), secured({ verify: false })), 'connected')
  assert.equal(await harness.code(local(port), secured({ ca: cert, minVersion: '1.3' })), 'connected')
})

test('TLS: what is no TLS, closes, or says nothing has its code', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const harness = new Harness()
  const tls = secured({ ca: material().cert })
  const http = await serve(t, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  assert.equal(await harness.code(local(http), tls), 'ERR_TLS_UPSTREAM')
  const hangsUp = await serve(t, (socket) => socket.destroy())
  assert.equal(await harness.code(local(hangsUp), tls), 'ERR_TLS_UPSTREAM')
  const resets = await serve(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  assert.equal(await harness.code(local(resets), tls), 'ERR_TLS_UPSTREAM')
  const mute = await serve(t, (socket) => socket.resume())
  assert.equal(await harness.code(local(mute), { ...tls, tlsMs: 50 }), 'ERR_TLS_TIMEOUT')
  assert.deepEqual(await harness.left(), [0, 0, 0])
})

test('TLS: the client certificate is shown, and sessions are used again', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = material()
  const client = testCertificate({ subject: 'turnpike' })
  const seen: unknown[] = []
  const options = { cert, key, ca: client.cert, requestCert: true }
  const port = await serveTls(t, options, (socket) => {
    seen.push([socket.authorized, socket.isSessionReused()])
    socket.end('bye')
    socket.resume()
  })
  const harness = new Harness()
  const tls = secured({ ca: cert, cert: client.cert, key: client.key })
  for (let visit = 0; visit < 2; visit++) {
    const { connection, ended, closed } = await harness.dial(local(port), tls)
    await ended
    connection.socket.end()
    await closed
  }
  assert.deepEqual(seen, [
    [true, false],
    [true, true],
  ])
})

test('TLS: reading stops at false and goes on at resume', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { cert, key } = material()
  const size = 1_000_000
  const port = await serveTls(t, { cert, key }, (socket) => socket.end(Buffer.alloc(size, 'x')))
  const harness = new Harness()
  const { connection } = await harness.dial(local(port), secured({ ca: cert }))
  let received = 0
  let stopped = 0
  await new Promise<void>((resolve) => {
    connection.attach({
      read(length) {
        assert.equal(connection.socket.writableLength, 0)
        received += length
        stopped++
        setImmediate(() => connection.socket.resume())
        return false
      },
      nextBuffer: () => null,
      ended: resolve,
      failed: () => {},
      closed: () => {},
    })
  })
  assert.equal(received, size)
  assert.ok(stopped > 10)
  connection.socket.destroy()
  assert.deepEqual(await harness.left(), [0, 0, 0])
})
