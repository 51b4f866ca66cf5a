import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { X509Certificate } from 'node:crypto'
import { connect as open, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, createServer as createTlsServer, TLSSocket } from 'node:tls'
import { testAuthority } from '../../test/support/forward/authority.ts'
import { requireProgram } from '../../test/support/peers/require-program.ts'
import { LeafCache } from './leaf-cache.ts'
import type { LeafSource } from './leaf-source.ts'

const DAY_MS = 86_400_000

test('T6 a leaf is kept for its name, and the one used longest ago goes first', async (t) => {
  const { authority } = await testAuthority(t)
  const cache = new LeafCache({ authority, lifetimeMs: DAY_MS, max: 2, world: { wallClock: () => Date.now() } })
  const first = cache.leafFor('a.example')
  const second = cache.leafFor('b.example')
  assert.equal(cache.leafFor('a.example'), first)
  cache.leafFor('c.example')
  assert.equal(cache.size, 2)
  assert.equal(cache.leafFor('a.example'), first)
  assert.notEqual(cache.leafFor('b.example'), second)
})

test('T6 a leaf is made anew before it runs out, and once a day', async (t) => {
  const { authority } = await testAuthority(t)
  let now = Date.now()
  const world = { wallClock: () => now }
  const short = new LeafCache({ authority, lifetimeMs: 3_600_000, world })
  const first = short.leafFor('a.example')
  now += 39 * 60_000
  assert.equal(short.leafFor('a.example'), first)
  now += 2 * 60_000
  const second = short.leafFor('a.example')
  assert.notEqual(second, first)
  assert.ok(second.expiresAt > first.expiresAt)
  assert.notEqual(second.key, first.key)
  const long = new LeafCache({ authority, lifetimeMs: 90 * DAY_MS, world })
  const third = long.leafFor('a.example')
  now += DAY_MS - 1
  assert.equal(long.leafFor('a.example'), third)
  now += 1
  assert.notEqual(long.leafFor('a.example'), third)
})

test('T6 a hundred names cost less than a millisecond each, beside what OpenSSL makes of them', async (t) => {
  const { authority } = await testAuthority(t)
  authority.issue(['warm.example'], DAY_MS, Date.now())
  // The best of some rounds: the machine may be busy with other things.
  const rounds = Array.from({ length: 10 }, (_, round) => {
    const since = process.hrtime.bigint()
    for (let each = 0; each < 10; each++) authority.issue([`n${round}-${each}.example`], DAY_MS, Date.now())
    return Number(process.hrtime.bigint() - since) / 1e7
  })
  assert.ok(Math.min(...rounds) < 1, `${Math.min(...rounds)} ms`)
})

function portOf(server: Server): number {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** Ends TLS with the leaf of the name that the first line before it says. */
async function terminating(t: TestContext, leaves: LeafSource): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.once('data', (line: Buffer) => {
      const { context } = leaves.leafFor(line.toString().trim())
      const secured = new TLSSocket(socket, { isServer: true, secureContext: context })
      secured.on('error', () => {})
      secured.on('data', () => secured.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'))
      socket.write('go')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server)
}

async function handshake(port: number, name: string, ca: string, version: 'TLSv1.2' | 'TLSv1.3', session?: Buffer) {
  const socket = open(port, '127.0.0.1')
  socket.write(`${name}\n`)
  await once(socket, 'data')
  const client = connect({
    socket,
    ca,
    servername: name,
    checkServerIdentity: () => undefined,
    minVersion: version,
    maxVersion: version,
    ...(session && { session }),
  })
  let made: Buffer | undefined
  client.on('session', (each: Buffer) => (made = each))
  await once(client, 'secureConnect')
  const reused = client.isSessionReused()
  const names = client.getPeerX509Certificate()?.subjectAltName
  client.write('GET / HTTP/1.1\r\n\r\n')
  client.resume()
  await once(client, 'close')
  return { reused, names, session: made ?? client.getSession() }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`T10 a ${version} ticket resumes on its own name, and never on another`, async (t) => {
    const { authority } = await testAuthority(t)
    const leaves = new LeafCache({ authority, lifetimeMs: DAY_MS, world: { wallClock: () => Date.now() } })
    const port = await terminating(t, leaves)
    const first = await handshake(port, 'a.example', authority.certificate, version)
    assert.equal(first.reused, false)
    assert.equal(first.names, 'DNS:a.example')
    assert.equal((await handshake(port, 'a.example', authority.certificate, version, first.session)).reused, true)
    const other = await handshake(port, 'b.example', authority.certificate, version, first.session)
    assert.equal(other.reused, false)
    assert.equal(other.names, 'DNS:b.example')
  })
}

test('T6 curl, gnutls-cli and OpenSSL take a leaf of a name and of an address', async (t) => {
  if (!requireProgram(t, 'curl', 'gnutls-cli', 'openssl')) return
  const { authority, folder, file } = await testAuthority(t)
  const { chain, key } = authority.issue(['a.example', '127.0.0.1'], DAY_MS, Date.now())
  const server = createTlsServer({ cert: chain, key }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const port = String(portOf(server))
  const run = async (program: string, args: string[]): Promise<string> => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: folder })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.stdin.on('error', () => {})
    child.stdin.end('GET / HTTP/1.1\r\n\r\n')
    await once(child, 'close')
    assert.equal(child.exitCode, 0, `${program} ${args.join(' ')}: ${text}`)
    return text
  }
  for (const name of ['a.example', '127.0.0.1']) {
    const curl = await run('curl', [
      '-sS',
      '--noproxy',
      '*',
      '--cacert',
      file,
      '--resolve',
      `a.example:${port}:127.0.0.1`,
      `https://${name}:${port}/`,
    ])
    assert.equal(curl, 'ok')
    await run('openssl', [
      's_client',
      '-quiet',
      '-connect',
      `127.0.0.1:${port}`,
      '-CAfile',
      file,
      '-verify_return_error',
      name === 'a.example' ? '-verify_hostname' : '-verify_ip',
      name,
    ])
    await run('gnutls-cli', ['--x509cafile', file, '--verify-hostname', name, '--port', port, '127.0.0.1'])
  }
  assert.equal(new X509Certificate(chain).checkHost('b.example'), undefined)
})
