import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { startBlackHole } from '../support/black-hole.ts'
import { testCertificate } from '../support/certificates.ts'
import { connectHead, granted, openTunnel, takeGrant } from '../support/forward/open-tunnel.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin, type Origin } from '../support/origin.ts'

/** Does nothing with its connections: the test does. Before the proxy, so that it ends its tunnels first. */
function startTarget(t: TestContext): Promise<Origin> {
  return startOrigin(t, () => {})
}

describe('A tunnel', () => {
  test('F4 goes on to the client after the client has ended', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const { client, server } = await openTunnel(proxy, target)
    client.send('question')
    client.end()
    await server.until(({ ended }) => ended, 'the end of the client')
    assert.equal(server.text, 'question')
    server.send('answer')
    await client.until(({ text }) => text === 'answer', 'the answer')
    assert.equal(client.ended, false)
    server.end()
    assert.equal(await client.over(), 'end')
    const [line] = await proxy.logged(1)
    assert.deepEqual([line!.bytesIn, line!.bytesOut, line!.cause], [8, 6, undefined])
  })

  test('F4 goes on to the target after the target has ended', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const { client, server } = await openTunnel(proxy, target)
    server.send('greeting')
    server.end()
    await client.until(({ ended }) => ended, 'the end of the target')
    assert.equal(client.text, 'greeting')
    client.send('still here')
    await server.until(({ text }) => text === 'still here', 'what the client still sends')
    client.end()
    assert.equal(await server.over(), 'end')
    await proxy.logged(1)
  })

  test('F4 a client that ended with its request is served', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(`${connectHead(`127.0.0.1:${target.port}`)}all of it`)
    client.end()
    await takeGrant(client)
    const server = await target.connection(0)
    await server.until(({ ended }) => ended, 'the end of the client')
    assert.equal(server.text, 'all of it')
    server.send('answer')
    server.end()
    await client.until(({ ended }) => ended, 'the end')
    assert.equal(client.text, 'answer')
    await proxy.logged(1)
  })

  test('F4 ends when no byte moves for too long, by a reset', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t, { limits: { tunnelStall: '100ms' } })
    const { server } = await openTunnel(proxy, target)
    server.end()
    await server.until(({ closed }) => closed, 'the end')
    assert.deepEqual([server.error?.code, (await proxy.logged(1))[0]!.cause], ['ECONNRESET', 'ERR_STALL_TIMEOUT'])
    assert.equal(proxy.count('tunnels'), 0)
  })

  test('a reset of either side travels to the other one', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    for (const moved of ['', 'some bytes']) {
      for (const first of ['client', 'server'] as const) {
        const tunnel = await openTunnel(proxy, target)
        const other = first === 'client' ? tunnel.server : tunnel.client
        tunnel[first].send(moved)
        await other.until(({ text }) => text === moved, 'bytes')
        tunnel[first].reset()
        await other.until(({ closed }) => closed, 'the reset')
        assert.equal(other.error?.code, 'ECONNRESET', first)
      }
    }
    const causes = (await proxy.logged(4)).map(({ cause }) => cause)
    const [byClient, byTarget] = ['ERR_CLIENT_ABORT', 'ERR_UPSTREAM_ABORT']
    assert.deepEqual(causes, [byClient, byTarget, byClient, byTarget])
  })

  test('a side that resets after its end, while the other one sends all it can, leaves no socket behind', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    for (const first of ['client', 'server'] as const) {
      const tunnel = await openTunnel(proxy, target)
      const [leaver, sender] = [tunnel[first], tunnel[first === 'client' ? 'server' : 'client']]
      leaver.end()
      await sender.until(({ ended }) => ended, 'the end')
      const sent = sendMuch(sender.socket, 100e6).catch(() => {})
      await leaver.until(({ total }) => total > 0, 'bytes')
      leaver.reset()
      await sender.until(({ closed }) => closed, 'the end of the sender')
      await sent
      for (const kind of ['tunnels', 'upstreamSockets', 'clientSockets', 'exchanges'] as const)
        await proxy.when(() => proxy.count(kind) === 0, `no ${kind} to be left`)
    }
  })

  test('a client that goes while its target is dialled ends the dial', async (t) => {
    const hole = await startBlackHole(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    client.send(connectHead(`127.0.0.1:${hole}`))
    await proxy.when(() => proxy.count('dials') === 1, 'the dial')
    client.reset()
    const [line] = await proxy.logged(1)
    assert.deepEqual([line!.status, line!.cause, line!.phase], [499, 'ERR_CLIENT_ABORT', 'dial'])
    assert.equal(proxy.count('dials'), 0)
  })

  test('200 MB pass both ways at once, unchanged', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const { client, server } = await openTunnel(proxy, target)
    const sums = [client.socket, server.socket].map((socket) => received(socket.removeAllListeners('data')))
    const [sentUp, sentDown] = await Promise.all([sendMuch(client.socket, 200e6), sendMuch(server.socket, 200e6)])
    assert.deepEqual(await Promise.all(sums), [sentDown, sentUp])
    const [line] = await proxy.logged(1)
    assert.deepEqual([line!.bytesIn, line!.bytesOut], [200e6, 200e6])
  })

  test('F4 TLS to the proxy and to a parent: all bytes, and ends on their own', async (t) => {
    const certificate = testCertificate({ subject: 'localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] })
    const { certFile, keyFile } = certificate
    const secured = { tls: { certificates: [{ cert: certFile, key: keyFile }] } }
    const target = await startTarget(t)
    const parent = await startForward(t, {}, { listener: secured })
    const above = { url: `https://127.0.0.1:${parent.port}`, tls: { ca: certFile } }
    const proxy = await startForward(
      t,
      { default: { via: 'above' } },
      { listener: secured, config: { parents: { above } } },
    )
    const socket = connectTls({
      port: proxy.port,
      host: '127.0.0.1',
      ca: certificate.cert,
      ALPNProtocols: ['http/1.1'],
    })
    t.after(() => socket.destroy())
    await once(socket, 'secureConnect')
    socket.write(connectHead(`127.0.0.1:${target.port}`))
    const [grant]: Buffer[] = await once(socket, 'data')
    assert.equal(grant!.toString(), granted)
    const server = await target.connection(0)
    const sums = [received(socket), received(server.socket.removeAllListeners('data'))]
    const sentDown = await sendMuch(server.socket, 20e6)
    const sentUp = await sendMuch(socket, 20e6)
    assert.deepEqual(await Promise.all(sums), [sentDown, sentUp])
    assert.deepEqual([(await proxy.logged(1))[0]!.cause, (await parent.logged(1))[0]!.cause], [undefined, undefined])
  })

  test('a side that does not read costs bounded memory, and loses nothing', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    for (const [from, to, counted] of [
      ['client', 'server', 'bytesIn'],
      ['server', 'client', 'bytesOut'],
    ] as const) {
      const tunnel = await openTunnel(proxy, target)
      const [sender, reader] = [tunnel[from].socket, tunnel[to].socket]
      reader.pause()
      const sent = sendMuch(sender, 60e6)
      const [exchange] = proxy.turnpike.generation.inFlight.all()
      // Until nothing moves any more: the system's buffers are full.
      let before = -1
      while (exchange![counted] !== before) {
        before = exchange![counted]
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      assert.ok(before < 30e6, `${before} bytes were taken from a sender whose reader reads nothing`)
      const sum = received(reader.removeAllListeners('data'))
      tunnel[to].end()
      reader.resume()
      assert.equal(await sum, await sent)
    }
  })

  test('1 000 at once, and none is left behind', async (t) => {
    const target = await startOrigin(t, ({ socket }) => void socket.pipe(socket))
    const proxy = await startForward(t, { limits: { connectionsPerClient: 2000 } })
    const clients = await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const client = await proxy.connect()
        client.send(`${connectHead(`127.0.0.1:${target.port}`)}number ${index}`)
        await client.until(({ text }) => text.endsWith(`number ${index}`), `the echo of ${index}`, 20_000)
        return client
      }),
    )
    assert.equal(proxy.count('tunnels'), 1000)
    for (const client of clients) client.end()
    await proxy.when(() => proxy.count('exchanges') === 0, 'the end of all')
    for (const kind of ['tunnels', 'upstreamSockets', 'dials'] as const) assert.equal(proxy.count(kind), 0, kind)
    assert.ok(proxy.log.every(({ cause }) => cause === undefined))
  })

  test('there are only so many at a time', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t, { limits: { tunnels: 1 } })
    const { client } = await openTunnel(proxy, target)
    const second = await proxy.connect()
    second.send(connectHead(`127.0.0.1:${target.port}`))
    const reply = await second.reply()
    assert.equal(reply.status, 503)
    assert.match(reply.body, /ERR_TUNNELS_FULL/)
    client.reset()
    await proxy.logged(2)
    const third = await openTunnel(proxy, target)
    third.client.reset()
    await proxy.logged(3)
  })

  test('W3 outlives a reload, and ends when the drain of a stop does', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const { client, server } = await openTunnel(proxy, target)
    const report = await proxy.turnpike.reload({
      listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
      forward: { connectPorts: 'any', guard: { allow: ['127.0.0.0/8'] }, limits: { tunnels: 7 } },
      admin: 'off',
      log: { access: 'off' },
    })
    assert.deepEqual(report.problems ?? [], [])
    client.send('after the reload')
    await server.until(({ text }) => text === 'after the reload', 'bytes')
    await proxy.turnpike.stop(50)
    await client.until(({ closed }) => closed, 'the end')
    await proxy.when(() => proxy.count('tunnels') === 0, 'the end of the tunnel')
  })
})

/** Sends so many bytes that differ, and ends; resolves with their hash. */
async function sendMuch(socket: Socket, bytes: number): Promise<string> {
  const sum = createHash('sha1')
  const piece = randomBytes(1_000_003)
  const closed = once(socket, 'close')
  for (let left = bytes; left > 0; left -= piece.length) {
    piece.writeDoubleLE(left)
    const chunk = Buffer.from(piece.subarray(0, Math.min(left, piece.length)))
    sum.update(chunk)
    if (!socket.write(chunk))
      await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), closed])
    if (socket.destroyed) break
  }
  socket.end()
  return sum.digest('hex')
}

/** The hash of all that comes. */
async function received(socket: Socket): Promise<string> {
  const sum = createHash('sha1')
  socket.on('data', (chunk: Buffer) => sum.update(chunk))
  await once(socket, 'end')
  return sum.digest('hex')
}
