import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { text } from 'node:stream/consumers'
import type { ConfigInput } from '../../src/config/config.ts'
import { realWorld } from '../../src/engine/real-world.ts'
import type { ResolvedAddress, World } from '../../src/engine/world.ts'
import { createTurnpike, type Turnpike } from '../../src/turnpike.ts'
import { testCertificate } from '../support/certificates.ts'
import { asNobody } from '../support/nobody.ts'
import { requireProgram } from '../support/peers/require-program.ts'

// Where rules of a firewall change nothing for anybody else: this file runs itself in a network of its own.
const inside = process.env['TURNPIKE_OWN_NETWORK'] === 'yes'
const TARGET = '10.9.0.1'
const CLIENT = '10.9.0.2'
/** Where else the names of the tests may lead. */
const OTHER = '10.9.0.3'
const TARGET6 = 'fd00:9::1'
const CLIENT6 = 'fd00:9::2'

const network = `set -e
ip link set lo up
for address in ${TARGET} ${CLIENT} ${OTHER}; do ip addr add $address/32 dev lo; done
for address in ${TARGET6} ${CLIENT6}; do ip -6 addr add $address/128 dev lo nodad; done
ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
exec "$@"`

if (!inside) {
  test('connections that the system captures, in a network namespace', (t) => {
    if (!requireProgram(t, 'unshare', 'ip', 'iptables', 'ip6tables', 'bash')) return
    if (spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status !== 0)
      return t.skip('networks of its own are not permitted here')
    const node = [process.execPath, '--test', '--test-reporter=tap', import.meta.filename]
    const env: NodeJS.ProcessEnv = { ...process.env, TURNPIKE_OWN_NETWORK: 'yes' }
    // A runner within a runner says nothing of its own.
    delete env['NODE_TEST_CONTEXT']
    const { status, stdout, stderr } = spawnSync('unshare', ['-n', 'bash', '-c', network, 'network', ...node], {
      encoding: 'utf8',
      env,
      timeout: 60_000,
    })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^# pass [1-9]/m)
    assert.match(stdout, /^# skipped 0/m)
  })

  test('a listener for TPROXY without the right to it does not start, and says what is missing', (t) => {
    if (!requireProgram(t, 'setpriv')) return
    if (process.getuid?.() !== 0) return t.skip('only root can give rights up')
    const script = `const { createTurnpike } = await import(${JSON.stringify(new URL('../../src/turnpike.ts', import.meta.url).href)})
await createTurnpike(${JSON.stringify(config('tproxy', 0))}).catch(({ code, message }) => console.log(code, message))`
    const { stdout, stderr } = spawnSync(
      'setpriv',
      [...asNobody, process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    )
    assert.match(stdout, /^ERR_LISTEN Listener captured cannot bind .*CAP_NET_ADMIN/, stderr)
  })
}

function config(mode: 'redirect' | 'tproxy', port: number, head = '10s'): ConfigInput {
  return {
    listeners: {
      captured: {
        address: `:${port}`,
        door: 'forward',
        mode,
        timeouts: { head },
        auth: 'off',
        allowFrom: ['10.9.0.0/24', 'fd00:9::/64', '127.0.0.0/8'],
      },
    },
    forward: {
      guard: { allow: ['10.9.0.0/24', 'fd00:9::/64'] },
      rules: [{ match: { sni: 'denied.test' }, deny: true }],
    },
    admin: 'off',
    log: { access: 'off', level: 'error' },
  }
}

/** This machine, in which nobody else answers for names. */
function named(): World {
  const addresses: Record<string, ResolvedAddress[]> = {
    'a.test': [
      { address: TARGET, family: 4 },
      { address: TARGET6, family: 6 },
    ],
    'other.test': [{ address: OTHER, family: 4 }],
  }
  const world: World = Object.create(realWorld())
  world.resolve = (name, done) => {
    const found = addresses[name] ?? []
    world.soon(() => done(found.length > 0 ? null : new Error(`there is no ${name}`), found))
  }
  return world
}

/** A Turnpike whose listener gets what CLIENT sends to TARGET, whatever the port. */
async function capturing(
  t: TestContext,
  mode: 'redirect' | 'tproxy',
  head?: string,
): Promise<{ turnpike: Turnpike; port: number }> {
  const rules: string[][] = []
  const turnpike = await createTurnpike(config(mode, 0, head), { world: named() })
  t.after(async () => {
    for (const [program, ...args] of rules) spawnSync(program!, args)
    await turnpike.stop(0)
    await returned(turnpike)
  })
  const address = turnpike.addresses.get('captured')
  assert.ok(address?.kind === 'tcp')
  const port = String(address.port)
  const ours = ['-p', 'tcp', '-s', CLIENT, '-d', TARGET]
  if (mode === 'redirect') {
    rule(rules, 'iptables', 'nat', 'OUTPUT', ...ours, '-j', 'REDIRECT', '--to-ports', port)
    rule(
      rules,
      'ip6tables',
      'nat',
      'OUTPUT',
      '-p',
      'tcp',
      '-s',
      CLIENT6,
      '-d',
      TARGET6,
      '-j',
      'REDIRECT',
      '--to-ports',
      port,
    )
  } else {
    rule(rules, 'iptables', 'mangle', 'OUTPUT', ...ours, '-j', 'MARK', '--set-mark', '1')
    rule(rules, 'iptables', 'mangle', 'PREROUTING', ...ours, '-j', 'TPROXY', '--on-port', port, '--tproxy-mark', '1')
  }
  return { turnpike, port: address.port }
}

/** What was cut may take some turns to be gone. */
async function returned({ services: { ledger } }: Turnpike): Promise<void> {
  const open = (): number[] =>
    (['exchanges', 'tunnels', 'clientSockets', 'upstreamSockets'] as const).map((kind) => ledger.count(kind))
  const since = performance.now()
  while (open().some((count) => count > 0) && performance.now() - since < 5_000) await setImmediate()
  assert.deepEqual(open(), [0, 0, 0, 0])
}

/** Sets a rule, and notes what takes it away. */
function rule(rules: string[][], program: string, table: string, chain: string, ...what: string[]): void {
  const { status, stderr } = spawnSync(program, ['-w', '-t', table, '-A', chain, ...what], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  rules.push([program, '-w', '-t', table, '-D', chain, ...what])
}

async function listening(t: TestContext, server: Server, host: string, port = 0): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  server.listen(port, host)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

async function tlsOrigin(t: TestContext, host: string, onPort = 0): Promise<{ port: number; names: string[] }> {
  const { cert, key } = testCertificate({ subject: 'a.test', names: ['DNS:a.test'] })
  const names: string[] = []
  const server = createTlsServer({ cert, key }, (socket) => {
    names.push(String(socket.servername))
    socket.on('error', () => {}).end(`hello from ${socket.localAddress}`)
  })
  server.on('tlsClientError', () => {})
  return { port: await listening(t, server, host, onPort), names }
}

async function asTls(host: string, from: string, port: number, servername: string): Promise<string> {
  const socket = connect({ host, port, localAddress: from })
  const secured = connectTls({ socket, servername, rejectUnauthorized: false })
  return text(secured)
}

for (const mode of inside ? (['redirect', 'tproxy'] as const) : []) {
  test(`${mode}: TLS is led to where it was going, and decided on by its ClientHello`, async (t) => {
    await capturing(t, mode)
    const { port, names } = await tlsOrigin(t, TARGET)
    assert.equal(await asTls(TARGET, CLIENT, port, 'a.test'), `hello from ${TARGET}`)
    await assert.rejects(asTls(TARGET, CLIENT, port, 'denied.test'), /alert|ECONNRESET/i)
    assert.deepEqual(names, ['a.test'])
  })

  test(`${mode}: HTTP in origin-form is served as HTTP, at the port that it was going to`, async (t) => {
    await capturing(t, mode)
    const seen: (string | undefined)[] = []
    const server = createHttpServer((request, reply) => {
      seen.push(request.url, request.headers.host, request.headers.via)
      reply.end('a page')
    })
    const port = await listening(t, server, TARGET)
    const client = connect({ host: TARGET, port, localAddress: CLIENT })
    client.write(`GET /path?query HTTP/1.1\r\nHost: ${TARGET}\r\nConnection: close\r\n\r\n`)
    assert.match(await text(client), /^HTTP\/1\.1 200 OK\r\n[^]*a page/)
    assert.equal(seen[0], '/path?query')
    assert.match(seen[2] ?? '', /^1\.1 turnpike/)
  })

  test(`${mode}: other protocols are tunnelled, those of servers that speak first too`, async (t) => {
    await capturing(t, mode)
    const server = createServer((socket) => {
      socket.write('220 mail\r\n')
      socket.on('data', (chunk: Buffer) => socket.end(`echo ${chunk.toString()}`))
    })
    const port = await listening(t, server, TARGET)
    const quiet = connect({ host: TARGET, port, localAddress: CLIENT })
    const [greeting]: Buffer[] = await once(quiet, 'data')
    assert.equal(greeting!.toString(), '220 mail\r\n')
    quiet.write('EHLO\r\n')
    assert.equal(await text(quiet), 'echo EHLO\r\n')
    const eager = connect({ host: TARGET, port, localAddress: CLIENT })
    eager.write('\0\x01binary')
    assert.equal(await text(eager), '220 mail\r\necho \0\x01binary')
  })
}

if (inside) {
  test('T4 redirect: a name in the ClientHello that is elsewhere leads there, and not to where its rules did not look', async (t) => {
    await capturing(t, 'redirect')
    const { port, names } = await tlsOrigin(t, TARGET)
    await tlsOrigin(t, OTHER, port)
    assert.equal(await asTls(TARGET, CLIENT, port, 'other.test'), `hello from ${OTHER}`)
    assert.deepEqual(names, [])
  })

  test('T1 redirect: what dribbles in is refused, and does not pass under no name', async (t) => {
    const { turnpike } = await capturing(t, 'redirect', '200ms')
    const port = await listening(t, createServer(), TARGET)
    for (const start of ['GET /a', '\x16\x03\x01']) {
      const client = connect({ host: TARGET, port, localAddress: CLIENT })
      client.on('error', () => {}).write(start, 'latin1')
      client.resume()
      await new Promise((resolve) => client.on('close', resolve))
    }
    assert.equal(turnpike.services.ledger.snapshot().exchanges.total, 2)
    assert.equal(turnpike.services.ledger.snapshot().dials.total, 0)
  })

  test('redirect: IPv6 is led to where it was going', async (t) => {
    await capturing(t, 'redirect')
    const { port } = await tlsOrigin(t, TARGET6)
    assert.equal(await asTls(TARGET6, CLIENT6, port, 'a.test'), `hello from ${TARGET6}`)
  })

  test('redirect: who connects to the listener itself is refused, rather than sent round for ever', async (t) => {
    const { turnpike, port } = await capturing(t, 'redirect')
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => socket.on('close', resolve))
    assert.equal(turnpike.services.ledger.snapshot().exchanges.total, 0)
    assert.equal(turnpike.services.ledger.snapshot().dials.total, 0)
  })

  test('tproxy: who connects to the listener itself is refused by the guard', async (t) => {
    const { turnpike, port } = await capturing(t, 'tproxy')
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {}).write('\0binary')
    await new Promise((resolve) => socket.on('close', resolve))
    assert.equal(turnpike.services.ledger.snapshot().upstreamSockets.total, 0)
  })
}
