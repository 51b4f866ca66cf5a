import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { connectHead, openTunnel } from '../support/forward/open-tunnel.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import type { Message } from '../support/message.ts'

function causeOf(reply: Message): string {
  return /details="(\w+)"/.exec(reply.field('proxy-status') ?? '')?.[1] ?? ''
}

const KIB = 1024

describe('connections of a client', () => {
  test('beyond the limit are refused, whatever they speak, until others have ended', async (t) => {
    const [proxy, origin] = [await startForward(t, { limits: { connectionsPerClient: 2 } }), await startOrigin(t)]
    const { client: tunnel } = await openTunnel(proxy, origin)
    const idle = await proxy.connect()
    idle.send(plainRequest(`${origin.url}/`))
    assert.equal((await idle.reply()).status, 200)
    const third = await proxy.connect()
    third.send(plainRequest(`${origin.url}/`))
    const reply = await third.reply()
    assert.deepEqual(
      [reply.status, causeOf(reply), reply.field('connection')],
      [429, 'ERR_CLIENT_CONNECTIONS', 'close'],
    )
    await third.over()
    const connect = await proxy.connect()
    connect.send(connectHead(`127.0.0.1:${origin.port}`))
    assert.equal((await connect.reply()).status, 429)
    const socks = await proxy.connect()
    socks.send(Buffer.from([5, 1, 0]))
    await socks.over()
    assert.equal(socks.text, '\x05\xff', 'RFC 1928 §3: no acceptable method')
    tunnel.socket.destroy()
    await proxy.logged(2)
    await proxy.when(() => proxy.count('clientSockets') <= 1, 'the tunnel to be closed')
    const next = await proxy.connect()
    next.send(plainRequest(`${origin.url}/`))
    assert.equal((await next.reply()).status, 200)
  })
})

describe('bytes of a client', () => {
  test('cut the tunnel that passes the limit, and refuse what comes next', async (t) => {
    const proxy = await startForward(t, { limits: { bytesPerClient: '100KiB/1h' } })
    const origin = await startOrigin(t, () => {})
    const { client, server } = await openTunnel(proxy, origin)
    client.send('u'.repeat(50 * KIB))
    await server.until(({ total }) => total === 50 * KIB, 'what was sent')
    server.send('d'.repeat(49 * KIB))
    await client.until(({ text }) => text.length === 49 * KIB, 'what was sent back')
    server.send('d'.repeat(KIB))
    await client.over()
    const [line] = await proxy.logged(1)
    assert.deepEqual([line!.cause, line!.status], ['ERR_CLIENT_BYTES', 200])
    for (const request of [plainRequest(`${origin.url}/`), connectHead(`127.0.0.1:${origin.port}`)]) {
      const next = await proxy.connect()
      next.send(request)
      const reply = await next.reply()
      assert.deepEqual([reply.status, causeOf(reply)], [429, 'ERR_CLIENT_BYTES'])
      const retry = Number(reply.field('retry-after'))
      assert.ok(retry > 50 * 60 && retry <= 65 * 60, String(retry))
    }
    const socks = await proxy.connect()
    socks.send(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, origin.port >> 8, origin.port & 0xff]))
    await socks.until(({ text }) => text.length >= 12, 'an answer')
    assert.equal(socks.text.slice(0, 4), '\x05\x00\x05\x02', 'RFC 1928 §6: not allowed by ruleset')
    assert.equal(origin.connections.length, 1)
  })

  test('of plain requests and of tunnels count together, over a reload', async (t) => {
    const limits = { bytesPerClient: '100KiB/1h' }
    const proxy = await startForward(t, { limits })
    const origin = await startOrigin(
      t,
      answering(({ line }) => ok(line.startsWith('GET /large') ? 'd'.repeat(60 * KIB) : '')),
    )
    const client = await proxy.connect()
    client.send(plainRequest(`${origin.url}/large`))
    assert.equal((await client.reply()).status, 200)
    client.send(plainRequest(`${origin.url}/`, `Content-Length: ${30 * KIB}\r\n`, 'POST') + 'u'.repeat(30 * KIB))
    assert.equal((await client.reply()).status, 200)
    await proxy.turnpike.reload(configOf({ limits, rules: [{ match: { port: 1 }, deny: true }] }))
    const { client: tunnel } = await openTunnel(proxy, await startOrigin(t, () => {}))
    tunnel.send('u'.repeat(11 * KIB))
    await tunnel.over()
    client.send(plainRequest(`${origin.url}/`))
    const reply = await client.reply()
    assert.deepEqual([reply.status, causeOf(reply)], [429, 'ERR_CLIENT_BYTES'], 'on its connection, which lives on')
    await proxy.turnpike.reload(configOf({}))
    client.send(plainRequest(`${origin.url}/`))
    assert.equal((await client.reply()).status, 200, 'without the limit')
  })
})

describe('bandwidth of a client', () => {
  test('slows its tunnels down together, each direction by itself', async (t) => {
    const proxy = await startForward(t, { limits: { bandwidthPerClient: '1MiB/1s' } })
    const origin = await startOrigin(t, () => {})
    const [one, other] = [await openTunnel(proxy, origin), await openTunnel(proxy, origin)]
    const start = performance.now()
    const down = 900 * KIB
    one.server.send('d'.repeat(down))
    other.server.send('d'.repeat(down))
    other.client.send('u'.repeat(down))
    await other.server.until(({ total }) => total === down, 'the other direction')
    const upMs = performance.now() - start
    await one.client.until(({ text }) => text.length === down, 'all of it')
    await other.client.until(({ text }) => text.length === down, 'all of it')
    const downMs = performance.now() - start
    // 1800 KiB, of which 1 MiB may come at once; what was read last need not be paid for.
    assert.ok(downMs > 500, `${downMs} ms`)
    assert.ok(upMs < 500, `${upMs} ms`)
    one.client.reset()
    other.client.reset()
  })
})

function configOf(forward: ConfigInput['forward']): ConfigInput {
  return {
    listeners: { web: { address: '127.0.0.1:0', door: 'forward' } },
    forward: { connectPorts: 'any', guard: { allow: ['127.0.0.0/8'] }, ...forward },
    admin: 'off',
    log: { access: 'off' },
  }
}
