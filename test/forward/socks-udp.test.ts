import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { readSocksDatagram } from '../../src/wire/socks/socks-datagram.ts'
import { testAuthority } from '../support/forward/authority.ts'
import { datagram, greeting, login, request } from '../support/forward/socks-messages.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { RawPeer } from '../support/raw-peer.ts'

const UDP_ASSOCIATE = 3

interface Received {
  data: Buffer
  port: number
}

/** A UDP socket on the loopback address, and what came to it. */
class UdpPeer {
  readonly socket: Socket
  readonly received: Received[] = []
  private wake: (() => void) | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', (data, { port }) => {
      this.received.push({ data, port })
      this.wake?.()
    })
  }

  static async open(t: TestContext, host = '127.0.0.1'): Promise<UdpPeer> {
    const peer = new UdpPeer(createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' }))
    peer.socket.bind(0, host)
    await once(peer.socket, 'listening')
    t.after(() => peer.socket.close())
    return peer
  }

  get port(): number {
    return this.socket.address().port
  }

  send(data: Buffer | string, port: number, host = '127.0.0.1'): void {
    this.socket.send(data, port, host)
  }

  async next(): Promise<Received> {
    const late = AbortSignal.timeout(5_000)
    while (this.received.length === 0) {
      if (late.aborted) throw new Error('no datagram came')
      await new Promise<void>((resolve) => {
        this.wake = resolve
        late.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return this.received.shift()!
  }
}

/** Answers each datagram in capitals. */
async function startShouter(t: TestContext, host = '127.0.0.1'): Promise<UdpPeer> {
  const target = await UdpPeer.open(t, host)
  target.socket.on('message', (data, from) => target.send(data.toString().toUpperCase(), from.port, from.address))
  return target
}

interface Association {
  control: RawPeer
  client: UdpPeer
  /** Where datagrams are sent to. */
  relayPort: number
  /** Sends a datagram on. */
  send: (host: string, port: number, data: string) => void
  /** The data of the next one that came back, with the port that it is from. */
  answer: () => Promise<{ text: string; from: number }>
}

async function associate(
  t: TestContext,
  proxy: TestGateway,
  { announce = true, credentials = null as Buffer | null } = {},
): Promise<Association> {
  const client = await UdpPeer.open(t)
  const control = await proxy.connect()
  const [first, skipped] = credentials === null ? [greeting(0), 2] : [Buffer.concat([greeting(2), credentials]), 4]
  control.send(Buffer.concat([first, request('0.0.0.0', announce ? client.port : 0, UDP_ASSOCIATE)]))
  await control.until(({ text }) => text.length >= skipped + 10, 'the reply')
  const reply = Buffer.from(control.text, 'latin1').subarray(skipped)
  assert.deepEqual([...reply.subarray(0, 8)], [5, 0, 0, 1, 127, 0, 0, 1], 'BND is filled')
  const relayPort = reply.readUInt16BE(8)
  return {
    control,
    client,
    relayPort,
    send: (host, port, data) => client.send(datagram(host, port, data), relayPort),
    answer: async () => {
      const { data } = await client.next()
      const head = readSocksDatagram(data)!
      return { text: data.subarray(head.end).toString(), from: head.port }
    },
  }
}

/** What was told of dropped datagrams. */
function dropsOf(proxy: TestGateway): Record<string, unknown>[] {
  const told: Record<string, unknown>[] = []
  const { services } = proxy.turnpike
  const notify = services.notify.bind(services)
  services.notify = (level, message, fields) => {
    if (message === 'datagrams were dropped') told.push({ ...fields })
    notify(level, message, fields)
  }
  return told
}

describe('UDP ASSOCIATE', () => {
  test('S3 relays to names, IPv4 and IPv6, and back; one exchange counts it', async (t) => {
    const proxy = await startForward(t)
    const [four, six] = [await startShouter(t), await startShouter(t, '::1')]
    const { control, send, answer } = await associate(t, proxy)
    send('127.0.0.1', four.port, 'one')
    assert.deepEqual(await answer(), { text: 'ONE', from: four.port })
    send('::1', six.port, 'two')
    assert.deepEqual(await answer(), { text: 'TWO', from: six.port })
    send('localhost', four.port, 'three')
    assert.deepEqual(await answer(), { text: 'THREE', from: four.port })
    assert.deepEqual([proxy.count('tunnels'), proxy.count('datagramSockets')], [1, 3])
    control.end()
    const [line] = await proxy.logged(1)
    assert.deepEqual([line?.method, line?.status, line?.bytesIn, line?.bytesOut], ['UDP', 200, 11, 11])
    assert.deepEqual([proxy.count('tunnels'), proxy.count('datagramSockets')], [0, 0])
  })

  test('S3 ends with its TCP connection, however that ends, and by idleness', async (t) => {
    const proxy = await startForward(t, { limits: { tunnelStall: '200ms' } })
    const ended = await associate(t, proxy)
    ended.control.end()
    assert.equal(await ended.control.over(), 'end')
    const reset = await associate(t, proxy)
    reset.control.socket.resetAndDestroy()
    await proxy.logged(2)
    const idle = await associate(t, proxy)
    assert.equal(await idle.control.over(), 'reset')
    assert.equal((await proxy.logged(3))[2]?.cause, 'ERR_STALL_TIMEOUT')
    assert.equal(proxy.count('datagramSockets'), 0)
  })

  test('S3 accepts only its client: the port it announced, or the first one it sends from', async (t) => {
    const [proxy, target] = [await startForward(t), await startShouter(t)]
    const told = dropsOf(proxy)
    const stranger = await UdpPeer.open(t)
    for (const announce of [true, false]) {
      const { control, relayPort, send, answer } = await associate(t, proxy, { announce })
      if (!announce) {
        send('127.0.0.1', target.port, 'first')
        assert.equal((await answer()).text, 'FIRST')
      }
      stranger.send(datagram('127.0.0.1', target.port, 'stranger'), relayPort)
      send('127.0.0.1', target.port, 'own')
      assert.equal((await answer()).text, 'OWN')
      control.end()
      await control.over()
    }
    assert.deepEqual(
      target.received.map(({ data }) => data.toString()),
      ['own', 'first', 'own'],
    )
    assert.equal(stranger.received.length, 0)
    assert.deepEqual(
      told.map((each) => each['stranger']),
      [1, 1],
    )
  })

  test('S3 listens to nobody that was not sent to', async (t) => {
    const [proxy, target, other] = [await startForward(t), await startShouter(t), await UdpPeer.open(t)]
    const { client, send, answer } = await associate(t, proxy)
    send('127.0.0.1', target.port, 'hi')
    await answer()
    // The port that the target saw.
    const { port } = target.received[0]!
    other.send('spoofed', port)
    send('127.0.0.1', target.port, 'again')
    assert.equal((await answer()).text, 'AGAIN')
    assert.equal(client.received.length, 0)
  })

  test('S3 drops fragments and what is no datagram of SOCKS', async (t) => {
    const [proxy, target] = [await startForward(t), await startShouter(t)]
    const told = dropsOf(proxy)
    const { control, client, relayPort, send, answer } = await associate(t, proxy)
    for (const bytes of [
      datagram('127.0.0.1', target.port, 'fragment', 1),
      datagram('127.0.0.1', target.port, 'last fragment', 0x80),
      datagram('127.0.0.1', 0, 'port 0'),
      datagram('not a host', target.port, 'x'),
      Buffer.from([0, 0, 0]),
      Buffer.from('plain'),
      Buffer.alloc(0),
    ])
      client.send(bytes, relayPort)
    send('127.0.0.1', target.port, 'whole')
    assert.equal((await answer()).text, 'WHOLE')
    assert.equal(target.received.length, 1)
    control.end()
    await proxy.logged(1)
    assert.equal(told[0]?.['unreadable'], 7)
  })

  test('S3 F8 rules, ports and the guard are asked for each datagram', async (t) => {
    const [allowed, hidden] = [await startShouter(t), await startShouter(t)]
    const { folder } = await testAuthority(t)
    const proxy = await startForward(t, {
      auth: { basic: { users: { alice: 'sesame' } } },
      guard: { allow: ['127.0.0.1'] },
      intercept: { authority: folder },
      socksPorts: [`${allowed.port}`],
      rules: [
        { match: { host: 'denied.test' }, deny: true },
        { match: { host: 'opened.test' }, intercept: true, redirectTo: `127.0.0.1:${allowed.port}` },
        { match: { host: 'moved.test' }, redirectTo: `127.0.0.1:${allowed.port}` },
        { match: { host: 'bob.test', user: 'bob' }, redirectTo: `127.0.0.1:${allowed.port}` },
      ],
    })
    const told = dropsOf(proxy)
    const { control, send, answer } = await associate(t, proxy, { credentials: login('alice', 'sesame') })
    send('denied.test', allowed.port, 'x')
    send('opened.test', allowed.port, 'x')
    for (const host of [
      '127.0.0.2',
      '0x7f.2',
      '2130706434',
      '::ffff:127.0.0.2',
      '169.254.169.254',
      '10.0.0.1',
      '0.0.0.0',
    ])
      send(host, allowed.port, 'x')
    send('127.0.0.1', hidden.port, 'x')
    send('bob.test', allowed.port, 'x')
    send('moved.test', allowed.port, 'moved')
    assert.deepEqual(await answer(), { text: 'MOVED', from: allowed.port })
    control.end()
    const [line] = await proxy.logged(1)
    assert.equal(line?.user, 'alice')
    assert.deepEqual([hidden.received.length, allowed.received.length], [0, 1])
    assert.deepEqual([told[0]?.['rule'], told[0]?.['guard'], told[0]?.['port']], [2, 7, 1])
  })

  test('what goes through parents is not sent: refused where nothing else can be, else dropped', async (t) => {
    const parents = { corporate: { url: 'http://127.0.0.1:9' } }
    const through = await startForward(t, { default: { via: 'corporate' } }, { config: { parents } })
    const control = await through.connect()
    control.send(Buffer.concat([greeting(0), request('0.0.0.0', 0, UDP_ASSOCIATE)]))
    await control.until(({ ended }) => ended, 'the end')
    assert.equal(control.text[3], '\x07')
    assert.equal((await through.logged(1))[0]?.cause, 'ERR_SOCKS_COMMAND')

    const target = await startShouter(t)
    const some = await startForward(
      t,
      { rules: [{ match: { host: '127.0.0.1' }, direct: true }], default: { via: 'corporate' } },
      { config: { parents } },
    )
    const told = dropsOf(some)
    const association = await associate(t, some)
    association.send('::1', target.port, 'x')
    association.send('127.0.0.1', target.port, 'direct')
    assert.equal((await association.answer()).text, 'DIRECT')
    association.control.end()
    await some.logged(1)
    assert.equal(told[0]?.['parent'], 1)
  })

  test('S3 datagrams of many sizes, by a client in python3', async (t) => {
    if (!requireProgram(t, 'python3')) return
    const [proxy, target] = [await startForward(t), await startShouter(t)]
    const script = `
import socket, struct, sys
proxy, target = int(sys.argv[1]), int(sys.argv[2])
control = socket.create_connection(('127.0.0.1', proxy))
control.sendall(b'\\x05\\x01\\x00')
assert control.recv(2) == b'\\x05\\x00'
control.sendall(b'\\x05\\x03\\x00\\x01' + bytes(6))
reply = control.recv(10)
relay = (socket.inet_ntoa(reply[4:8]), struct.unpack('>H', reply[8:10])[0])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
for size in (0, 1, 512, 9000, 40000):
    udp.sendto(b'\\x00\\x00\\x00\\x01' + socket.inet_aton('127.0.0.1') + struct.pack('>H', target) + b'q' * size, relay)
    data, _ = udp.recvfrom(65535)
    assert data[10:] == b'Q' * size, size
print('done')
`
    const out = await new Promise<string>((resolve) => {
      execFile('python3', ['-c', script, `${proxy.port}`, `${target.port}`], (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      )
    })
    assert.equal(out, 'done\n')
  })

  test('on a Unix socket there is none', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-socks-'))
    t.after(() => rmSync(folder, { recursive: true }))
    await startForward(t, {}, { listener: { address: `unix:${folder}/proxy.sock` } })
    const client = new RawPeer(connect({ path: `${folder}/proxy.sock`, allowHalfOpen: true }))
    t.after(() => client.socket.destroy())
    client.send(Buffer.concat([greeting(0), request('0.0.0.0', 0, UDP_ASSOCIATE)]))
    await client.until(({ ended }) => ended, 'the end')
    assert.equal(client.text[3], '\x07')
  })

  test('limits count it as a tunnel, and its bytes', async (t) => {
    const limits = { tunnels: 1, bytesPerClient: '1KiB/1h' }
    const [proxy, target] = [await startForward(t, { limits }), await startShouter(t)]
    const { control, send, answer } = await associate(t, proxy)
    const second = await proxy.connect()
    second.send(Buffer.concat([greeting(0), request('127.0.0.1', target.port)]))
    await second.until(({ ended }) => ended, 'the end')
    assert.equal(second.text[3], '\x01')
    assert.equal((await proxy.logged(1))[0]?.cause, 'ERR_TUNNELS_FULL')
    send('127.0.0.1', target.port, 'some')
    assert.equal((await answer()).text, 'SOME')
    send('127.0.0.1', target.port, 'x'.repeat(2000))
    assert.equal(await control.over(), 'reset')
    assert.equal((await proxy.logged(2))[1]?.cause, 'ERR_CLIENT_BYTES')
  })

  test('a stop of the proxy ends it', async (t) => {
    const proxy = await startForward(t)
    const { control } = await associate(t, proxy)
    await proxy.turnpike.stop(50)
    assert.equal(await control.over(), 'reset')
    assert.equal((await proxy.logged(1))[0]?.cause, 'ERR_CLIENT_ABORT')
    assert.equal(proxy.count('datagramSockets'), 0)
  })
})
