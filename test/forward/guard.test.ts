import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { World } from '../../src/engine/world.ts'
import { connectHead } from '../support/forward/open-tunnel.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { datagram, greeting, request, request4 } from '../support/forward/socks-messages.ts'
import { standInWorld } from '../support/forward/stand-in-world.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { ask } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const run = promisify(execFile)

/** What a client may write for an address that it must not reach. */
const addresses = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '0',
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.1',
  '0xa9fea9fe',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '100.100.100.200',
  '169.254.169.254',
  '192.0.0.192',
  '168.63.129.16',
  '224.0.0.1',
  '239.255.255.250',
  '255.255.255.255',
  '198.18.0.1',
]
const addresses6 = [
  '::1',
  '::',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::FFFF:a9fe:a9fe',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a9fe:a9fe',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '2001:0:4136:e378:8000:63bf:80ff:fffe',
  'fe80::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
]
const names = ['localhost', 'LocalHost.', 'meta.test', 'META.test.', 'six.test', 'mapped.test', 'nat64.test']

/** Public by their looks: nothing outside is ever dialled in a test. */
const PUBLIC = '93.184.216.34'
const resolved = {
  localhost: ['127.0.0.1', '::1'],
  'meta.test': ['169.254.169.254'],
  'six.test': ['fd00:ec2::254'],
  'mapped.test': ['::ffff:169.254.169.254'],
  'nat64.test': ['64:ff9b::a9fe:a9fe'],
  'public.test': [PUBLIC],
  'mixed.test': ['169.254.169.254', PUBLIC, '::1'],
}

interface Watched {
  proxy: TestGateway
  /** All that was dialled, and sent to by UDP, but answers to the client's own port. */
  reached: string[]
}

async function start(
  t: TestContext,
  places: Record<string, number> = {},
  options: { forward?: Parameters<typeof startForward>[1]; change?: (world: World) => World } = {},
): Promise<Watched> {
  const { world, dialled } = standInWorld({ names: resolved, places })
  const watching: World = {
    ...world,
    bindUdp(address, events) {
      const socket = world.bindUdp(address, events)
      return {
        address: () => socket.address(),
        close: () => socket.close(),
        get queuedBytes() {
          return socket.queuedBytes
        },
        send(_parts, to) {
          dialled.push(`${to.address}:${to.port}`)
        },
      }
    },
  }
  const { forward = {}, change = (same: World): World => same } = options
  const proxy = await startForward(t, { guard: {}, ...forward }, { world: change(watching) })
  return { proxy, reached: dialled }
}

async function socks5(proxy: TestGateway, asked: Buffer): Promise<RawPeer> {
  const client = await proxy.connect()
  client.send(Buffer.concat([greeting(0), asked]))
  await client.until(({ text }) => text.length >= 12, 'a reply')
  client.text = client.text.slice(2)
  return client
}

/** Each way to ask for a host, and how it is said that it must not be reached. */
const ways: Record<string, (proxy: TestGateway, host: string) => Promise<string>> = {
  'plain HTTP': async ({ port }, host) => refusal(await ask(port, plainRequest(`http://${inUrl(host)}:80/`))),
  CONNECT: async ({ port }, host) => refusal(await ask(port, connectHead(`${inUrl(host)}:443`))),
  'SOCKS4 and 4a': async (proxy, host) => {
    const client = await proxy.connect()
    client.send(request4(host, 443))
    await client.until(({ text }) => text.length >= 8, 'a reply')
    return client.text.charCodeAt(1) === 91 ? 'refused' : `reply ${client.text.charCodeAt(1)}`
  },
  SOCKS5: async (proxy, host) => {
    const { text } = await socks5(proxy, request(host, 443))
    return text.charCodeAt(1) === 2 ? 'refused' : `reply ${text.charCodeAt(1)}`
  },
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function refusal(reply: { status: number; field(name: string): string | undefined }): string {
  const cause = /details="(\w+)"/.exec(reply.field('proxy-status') ?? '')?.[1]
  return reply.status === 403 && cause === 'ERR_ADDRESS_FORBIDDEN' ? 'refused' : `${reply.status} ${cause}`
}

describe('the guard of the forward proxy', () => {
  for (const [way, outcome] of Object.entries(ways)) {
    test(`F8 nothing forbidden is dialled by ${way}, however it is written`, async (t) => {
      const { proxy, reached } = await start(t)
      for (const host of [...addresses, ...addresses6, ...names])
        assert.equal(await outcome(proxy, host), 'refused', host)
      assert.deepEqual(reached, [])
      const log = await proxy.logged(addresses.length + addresses6.length + names.length)
      assert.deepEqual([...new Set(log.map(({ cause }) => cause))], ['ERR_ADDRESS_FORBIDDEN'])
    })
  }

  test('F8 nor are parents asked for it, by whichever way', async (t) => {
    const parent = await startOrigin(t)
    const { world, dialled } = standInWorld({ names: resolved, places: { '127.0.0.1:3128': parent.port } })
    const proxy = await startForward(
      t,
      { guard: {}, default: { via: 'corporate' } },
      { world, config: { parents: { corporate: { url: 'http://127.0.0.1:3128' } } } },
    )
    for (const outcome of Object.values(ways))
      for (const host of [...addresses, ...addresses6, ...names])
        assert.equal(await outcome(proxy, host), 'refused', host)
    assert.deepEqual(dialled, [])
    const allowed = await ask(proxy.port, plainRequest('http://public.test/'))
    assert.equal(allowed.status, 200)
    assert.deepEqual(dialled, ['127.0.0.1:3128'], 'the parent itself is the choice of the config')
  })

  test('F8 nor is it sent a datagram by SOCKS5 UDP', async (t) => {
    const target = await startOrigin(t)
    const { proxy, reached } = await start(t, { [`${PUBLIC}:53`]: target.port })
    const client = await socks5(proxy, request('0.0.0.0', 0, 3))
    const reply = Buffer.from(client.text, 'latin1')
    assert.equal(reply[1], 0)
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.after(() => socket.close())
    for (const host of [...addresses, ...addresses6, ...names])
      socket.send(datagram(host, 53, 'question'), reply.readUInt16BE(8), '127.0.0.1')
    // Behind them all: once this one has left, the others would have too.
    socket.send(datagram(PUBLIC, 53, 'question'), reply.readUInt16BE(8), '127.0.0.1')
    await proxy.when(() => reached.includes(`${PUBLIC}:53`), 'the datagram that is allowed')
    socket.send(datagram('public.test', 54, 'question'), reply.readUInt16BE(8), '127.0.0.1')
    await proxy.when(() => reached.includes(`${PUBLIC}:54`), 'the datagram to a name')
    assert.deepEqual(reached, [`${PUBLIC}:53`, `${PUBLIC}:54`])
    client.reset()
  })

  test('F8 hosts in other letters, percent-encoded, or with a zone are refused or no hosts', async (t) => {
    const { proxy, reached } = await start(t)
    for (const host of [
      '%31%32%37.0.0.1',
      '%6cocalhost',
      '１２７.0.0.1',
      '127。0。0。1',
      'ⓛocalhost',
      '[::1%25lo]',
      '[fe80::1%25eth0]',
      '[::1',
      '127.0.0.1%00.example',
    ])
      for (const text of [plainRequest(`http://${host}:80/`), connectHead(`${host}:443`)]) {
        const reply = await ask(proxy.port, Buffer.from(text, 'utf8'))
        assert.ok(reply.status === 400 || reply.status === 403, `${host}: ${reply.status}`)
      }
    assert.deepEqual(reached, [])
  })

  test('F8 of a name with several addresses only those are dialled that may be', async (t) => {
    const origin = await startOrigin(t)
    const { proxy, reached } = await start(t, { [`${PUBLIC}:80`]: origin.port })
    assert.equal((await ask(proxy.port, plainRequest('http://mixed.test/'))).status, 200)
    assert.deepEqual(reached, [`${PUBLIC}:80`])
  })

  test('F8 a name whose answer changes is dialled at the address that was checked, or not at all', async (t) => {
    // A kept connection is to the address that was checked.
    const origin = await startOrigin(
      t,
      answering(() => ok('', 'Connection: close\r\n')),
    )
    for (const forward of [{}, { rules: [{ match: { address: ['93.184.216.0/24'] }, direct: true as const }] }]) {
      let asked = 0
      const { proxy, reached } = await start(
        t,
        { [`${PUBLIC}:80`]: origin.port },
        {
          forward,
          change: (world) => ({
            ...world,
            resolve(_name, done) {
              const address = asked++ === 0 ? PUBLIC : '169.254.169.254'
              world.soon(() => done(null, [{ address, family: 4 }]))
            },
          }),
        },
      )
      const statuses = []
      for (let count = 0; count < 3; count++) {
        statuses.push((await ask(proxy.port, plainRequest('http://flip.test/', 'Connection: close\r\n'))).status)
        statuses.push((await ask(proxy.port, connectHead('flip.test:80'))).status)
      }
      assert.ok(asked >= 2)
      assert.deepEqual(
        reached.filter((address) => address !== `${PUBLIC}:80`),
        [],
      )
      assert.deepEqual([...new Set(statuses.slice(1))], [403])
    }
  })

  test('F8 a redirect is one more request, and a rule that leads elsewhere is guarded too', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const origin = await startOrigin(
      t,
      answering(() => 'HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n'),
    )
    const { proxy, reached } = await start(
      t,
      { [`${PUBLIC}:80`]: origin.port },
      { forward: { rules: [{ match: { host: 'old.test' }, redirectTo: '127.0.0.1:80' }] } },
    )
    const options = ['-sSL', '-o', '/dev/null', '--noproxy', '', '-w', '%{http_code} %{num_redirects}']
    const { stdout } = await run('curl', [...options, '-x', `http://127.0.0.1:${proxy.port}`, 'http://public.test/'])
    assert.equal(stdout, '403 1')
    assert.equal(await ways['CONNECT']!(proxy, 'old.test'), 'refused')
    assert.equal(await ways['plain HTTP']!(proxy, 'old.test'), 'refused')
    assert.deepEqual(reached, [`${PUBLIC}:80`])
  })

  test('F8 what is allowed besides is reached, but what is denied and what listens here is not', async (t) => {
    const origin = await startOrigin(
      t,
      answering(() => ok('')),
    )
    const local = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ family, scopeid }) => family === 'IPv4' || scopeid === 0)
      .map(({ address }) => inUrl(address))
    const proxy = await startForward(
      t,
      { guard: { allow: ['0.0.0.0/0', '::/0'], deny: ['127.0.0.2/32'] } },
      {
        listener: { address: ':0', auth: 'off', allowFrom: ['127.0.0.0/8'] },
        config: { admin: { address: '127.0.0.1:0' } },
      },
    )
    const admin = proxy.turnpike.adminAddress
    assert.ok(admin?.kind === 'tcp')
    const status = async (host: string, port: number) =>
      (await ask(proxy.port, plainRequest(`http://${host}:${port}/`))).status
    assert.equal(await status('127.0.0.1', origin.port), 200)
    assert.equal(await status('127.0.0.2', origin.port), 403)
    assert.equal(await status('[64:ff9b::127.0.0.2]', origin.port), 403)
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '0', '[::]', '[::1]', '[::ffff:127.0.0.1]', ...local])
      assert.equal(await status(host, proxy.port), 403, host)
    for (const host of ['127.0.0.1', 'localhost', '0', '[::ffff:7f00:1]'])
      assert.equal(await status(host, admin.port), 403)
    assert.equal(await ask(proxy.port, connectHead(`127.0.0.1:${admin.port}`)).then((reply) => reply.status), 403)
  })
})
