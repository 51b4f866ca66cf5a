import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { testScope } from '../../../../test/support/goproxy/test-scope.ts'
import { portOf } from '../../../../test/support/peers/free-port.ts'
import { CidrSet } from '../../../core/address.ts'
import { parentSchema } from '../../../engine/dial/config.ts'
import { Parents } from '../../../engine/dial/parents.ts'
import { PublicAddresses } from '../../../policy/public-addresses.ts'
import { DialPass } from './dial-pass.ts'
import { DialProxy } from './dial-proxy.ts'

const loopback = new PublicAddresses(new CidrSet(['127.0.0.0/8']))

async function echo(t: TestContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
    t.after(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

/** What a client of the proxy gets until the proxy ends it, or until it has `enough` bytes. */
class Client {
  readonly socket: Socket
  private got = Buffer.alloc(0)
  private wake: (() => void) | null = null
  private over = false

  constructor(t: TestContext, port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const changed = (): void => this.wake?.()
    this.socket.on('data', (piece: Buffer) => {
      this.got = Buffer.concat([this.got, piece])
      changed()
    })
    for (const event of ['end', 'close', 'error']) {
      this.socket.on(event, () => {
        this.over = true
        changed()
      })
    }
    t.after(() => this.socket.destroy())
  }

  async received(enough = Infinity): Promise<Buffer> {
    while (this.got.length < enough && !this.over) await new Promise<void>((resolve) => (this.wake = resolve))
    return this.got
  }
}

const sized = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])

function greeting(pass: DialPass, password = pass.password): Buffer {
  return Buffer.concat([Buffer.of(5, 1, 2, 1), sized(pass.user), sized(password)])
}

function to(host: string, port: number): Buffer {
  const bytes = Buffer.concat([Buffer.of(5, 1, 0, 3, host.length), Buffer.from(host), Buffer.alloc(2)])
  bytes.writeUInt16BE(port, bytes.length - 2)
  return bytes
}

test('RFC 1928: bytes go both ways, whatever pieces the handshake comes in, and both ends are passed on', async (t) => {
  const { services, scope } = testScope(t)
  const proxy = new DialProxy(services, scope)
  const target = await echo(t)
  const pass = new DialPass(loopback, null, 1000)
  proxy.admit(pass)
  const said = Buffer.concat([greeting(pass), to('127.0.0.1', target)])
  for (const size of [1, 3, said.length]) {
    const client = new Client(t, await proxy.port())
    client.socket.setNoDelay(true)
    for (let at = 0; at < said.length; at += size) client.socket.write(said.subarray(at, at + size))
    await client.received(14)
    client.socket.end('hello')
    const got = await client.received()
    assert.deepEqual([...got.subarray(0, 6)], [5, 2, 1, 0, 5, 0])
    assert.equal(String(got.subarray(14)), 'hello')
    client.socket.destroy()
  }
})

test('F3 through a parent: a target that speaks first, as SSH servers do, loses nothing', async (t) => {
  const { services, scope } = testScope(t)
  const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  // Its answer and the target's first bytes come as one piece.
  const parent = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (asked) => {
      assert.match(String(asked), new RegExp(`^CONNECT 127\\.0\\.0\\.1:${portOf(server)} `))
      const target = connect(portOf(server), '127.0.0.1')
      target.on('error', () => socket.destroy())
      target.once('data', (first: Buffer) =>
        socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), first])),
      )
      target.once('end', () => socket.end())
    })
  })
  parent.listen(0, '127.0.0.1')
  await once(parent, 'listening')
  t.after(() => parent.close())
  const parents = new Parents({ near: parentSchema.parse({ url: `http://127.0.0.1:${portOf(parent)}` }) })
  const proxy = new DialProxy(services, scope)
  const pass = new DialPass(loopback, parents.route(['near']), 1000)
  proxy.admit(pass)
  const client = new Client(t, await proxy.port())
  client.socket.write(Buffer.concat([greeting(pass), to('127.0.0.1', portOf(server))]))
  const got = await client.received()
  assert.equal(String(got.subarray(14)), 'SSH-2.0-x')
  client.socket.destroy()
})

test('without a pass, with a wrong password, and after it was revoked there is no way through', async (t) => {
  const { services, scope } = testScope(t)
  const proxy = new DialProxy(services, scope)
  const target = await echo(t)
  const pass = new DialPass(loopback, null, 1000)
  const reply = async (...pieces: Buffer[]): Promise<number[]> => {
    const client = new Client(t, await proxy.port())
    client.socket.write(Buffer.concat(pieces))
    return [...(await client.received())]
  }
  assert.deepEqual(await reply(Buffer.of(5, 1, 0)), [5, 0xff])
  assert.deepEqual(await reply(Buffer.from('GET / HTTP/1.1\r\n\r\n')), [])
  assert.deepEqual(await reply(greeting(pass), to('127.0.0.1', target)), [5, 2, 1, 1])
  proxy.admit(pass)
  assert.deepEqual(await reply(greeting(pass, 'x'.repeat(48)), to('127.0.0.1', target)), [5, 2, 1, 1])
  assert.deepEqual(await reply(greeting(pass), Buffer.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0)), [5, 2, 1, 0])
  const client = new Client(t, await proxy.port())
  client.socket.write(Buffer.concat([greeting(pass), to('127.0.0.1', target)]))
  assert.equal((await client.received(14)).length, 14)
  proxy.revoke(pass)
  assert.equal((await client.received()).length, 14)
  assert.deepEqual(await reply(greeting(pass), to('127.0.0.1', target)), [5, 2, 1, 1])
})

test('F8 what the guard forbids is answered "not allowed", and the pass tells why', async (t) => {
  const { services, scope } = testScope(t)
  const proxy = new DialProxy(services, scope)
  const target = await echo(t)
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '2130706433']) {
    const pass = new DialPass(new PublicAddresses(new CidrSet([])), null, 1000)
    proxy.admit(pass)
    const client = new Client(t, await proxy.port())
    client.socket.write(Buffer.concat([greeting(pass), to(host, target)]))
    assert.deepEqual([...(await client.received())].slice(4, 6), [5, 2], host)
    assert.equal(pass.failure?.code, 'ERR_ADDRESS_FORBIDDEN')
  }
})

test('a run gets no more bytes than its pass allows', async (t) => {
  const { services, scope } = testScope(t)
  const proxy = new DialProxy(services, scope)
  const target = await echo(t)
  const pass = new DialPass(loopback, null, 1000)
  proxy.admit(pass)
  const client = new Client(t, await proxy.port())
  client.socket.write(Buffer.concat([greeting(pass), to('127.0.0.1', target)]))
  await client.received(14)
  client.socket.write(Buffer.alloc(5000))
  assert.ok((await client.received()).length < 2000)
  assert.equal(pass.failure?.code, 'ERR_MODULE_TOO_LARGE')
})
