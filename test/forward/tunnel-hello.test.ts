import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { captureHello, reframed } from '../support/forward/capture-hello.ts'
import { connectHead, openTunnel, takeGrant } from '../support/forward/open-tunnel.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import type { RawPeer } from '../support/raw-peer.ts'

function startTarget(t: TestContext): Promise<Origin> {
  return startOrigin(t, () => {})
}

/** The first bytes of `openssl s_client`, which asks for a name. */
function helloFor(name: string): Promise<Buffer> {
  return captureHello((port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', name])
}

function alertOf({ text }: RawPeer): number[] {
  return [...Buffer.from(text, 'latin1')]
}

const unrecognizedName = [21, 3, 3, 0, 2, 2, 112]

/** A rule that makes every tunnel wait for its ClientHello. */
const bySni = { name: 'by-name', match: { sni: 'denied.test' }, deny: true as const }

describe('The ClientHello in a tunnel', () => {
  test('T1 is read at any split where rules ask for it, and passed on untouched', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('localhost')
    const target = await startTarget(t)
    const proxy = await startForward(t, { rules: [bySni] })
    const forms = [hello, reframed(hello, 60), reframed(hello, 1)]
    for (const bytes of forms) {
      for (const split of [1, 5, 6, 100, bytes.length - 1, bytes.length]) {
        const { client, server } = await openTunnel(proxy, target, 'localhost')
        client.send(bytes.subarray(0, split))
        await new Promise((resolve) => setImmediate(resolve))
        client.send(bytes.subarray(split))
        await server.until(({ total }) => total >= bytes.length, `the hello, split at ${split}`)
        assert.equal(server.text, bytes.toString('latin1'))
        server.send('reply')
        await client.until(({ text }) => text === 'reply', 'the reply')
        client.reset()
        await server.until(({ closed }) => closed, 'the end')
      }
    }
  })

  test('T3 is noted where no rule asks for it, and nothing waits for it', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('noted.test')
    const target = await startTarget(t)
    const proxy = await startForward(t)
    const { client, server } = await openTunnel(proxy, target)
    client.send(hello.subarray(0, 40))
    await server.until(({ total }) => total === 40, 'the part that came')
    client.send(hello.subarray(40))
    await server.until(({ total }) => total === hello.length, 'the rest')
    const [exchange] = proxy.turnpike.generation.inFlight.all()
    assert.equal(exchange!.hello?.sni, 'noted.test')
    client.reset()
    await proxy.logged(1)
  })

  test('a rule that denies its name is told by an alert, and no byte of it reaches the target', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('denied.test')
    const target = await startTarget(t)
    const proxy = await startForward(t, { rules: [bySni] })
    const { client, server } = await openTunnel(proxy, target)
    client.send(hello)
    await client.until(({ ended }) => ended, 'the end')
    assert.deepEqual(alertOf(client), unrecognizedName)
    await server.until(({ closed, ended }) => closed || ended, 'the end')
    assert.equal(server.total, 0)
    client.end()
    const [line] = await proxy.logged(1)
    assert.deepEqual([line!.cause, line!.bytesIn], ['ERR_RULE_DENIED', hello.length])
  })

  test('T4 another name than the host that was asked for is refused, but where a rule lets it pass', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('front.test')
    const target = await startTarget(t)
    const proxy = await startForward(t, { rules: [bySni] })
    const { client, server } = await openTunnel(proxy, target, 'localhost')
    client.send(hello)
    await client.until(({ ended }) => ended, 'the end')
    assert.deepEqual(alertOf(client), unrecognizedName)
    assert.equal(server.total, 0)
    client.end()
    assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_SNI_MISMATCH')

    const byAddress = await openTunnel(proxy, target)
    byAddress.client.send(hello)
    await byAddress.server.until(({ total }) => total === hello.length, 'the hello: an address disagrees with no name')
    byAddress.client.reset()

    const rules = [bySni, { match: { sniMismatch: true }, splice: true as const }]
    const lenient = await startForward(t, { rules })
    const spliced = await openTunnel(lenient, target, 'localhost')
    spliced.client.send(hello)
    await spliced.server.until(({ total }) => total === hello.length, 'the hello')
    spliced.client.reset()
    await lenient.logged(1)
  })

  test('T4 a rule for its name leads it elsewhere: dialled anew, with every byte', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('localhost')
    const [target, other] = [await startTarget(t), await startTarget(t)]
    const proxy = await startForward(t, {
      rules: [{ match: { sni: 'localhost', port: [target.port] }, redirectTo: `127.0.0.1:${other.port}` }],
    })
    const client = await proxy.connect()
    client.send(connectHead(`127.0.0.1:${target.port}`))
    await takeGrant(client)
    const first = await target.connection(0)
    client.send(hello)
    const second = await other.connection(0)
    await second.until(({ total }) => total === hello.length, 'the hello')
    assert.equal(second.text, hello.toString('latin1'))
    await first.until(({ ended, closed }) => ended || closed, 'the end of the first way')
    assert.equal(first.total, 0)
    second.send('reply')
    await client.until(({ text }) => text === 'reply', 'the reply')
    client.reset()
    const [line] = await proxy.logged(1)
    assert.equal(line!.endpoint, `127.0.0.1:${other.port}`)
  })

  test('a second way that the guard forbids, or that nobody answers on, is told by an alert', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('localhost')
    const target = await startTarget(t)
    const proxy = await startForward(t, {
      rules: [{ match: { sni: 'localhost' }, redirectTo: '127.9.9.9:443' }],
      guard: { allow: ['127.0.0.1/32'] },
    })
    const { client } = await openTunnel(proxy, target)
    client.send(hello)
    await client.until(({ ended }) => ended, 'the end')
    assert.equal(alertOf(client)[0], 21)
    client.end()
    assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_ADDRESS_FORBIDDEN')
  })

  test('T1 a target that speaks first, other bytes, an early end and a late hello count as none', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const hello = await helloFor('denied.test')
    const target = await startTarget(t)
    const proxy = await startForward(t, { rules: [bySni], timeouts: { hello: '200ms' } })

    const ssh = await openTunnel(proxy, target)
    ssh.server.send('SSH-2.0-server')
    await ssh.client.until(({ text }) => text === 'SSH-2.0-server', 'the greeting')
    ssh.client.send('SSH-2.0-client')
    await ssh.server.until(({ text }) => text === 'SSH-2.0-client', 'the answer')
    ssh.client.reset()

    const http = await openTunnel(proxy, target)
    http.client.send('GET / HTTP/1.1\r\n\r\n')
    await http.server.until(({ text }) => text === 'GET / HTTP/1.1\r\n\r\n', 'other bytes')
    http.client.reset()

    const early = await openTunnel(proxy, target)
    early.client.send(hello.subarray(0, 30))
    early.client.end()
    await early.server.until(({ ended }) => ended, 'the end')
    assert.equal(early.server.total, 30)
    early.server.end()

    const late = await openTunnel(proxy, target)
    late.client.send(hello.subarray(0, 30))
    await late.server.until(({ total }) => total === 30, 'what came in time')
    late.client.reset()
    await proxy.logged(4)
  })

  test('a client or a target that goes while the hello is waited for takes the tunnel with it', async (t) => {
    const target = await startTarget(t)
    const proxy = await startForward(t, { rules: [bySni] })
    for (const first of ['client', 'server'] as const) {
      const tunnel = await openTunnel(proxy, target)
      tunnel[first].reset()
      const other = first === 'client' ? tunnel.server : tunnel.client
      await other.until(({ closed, ended }) => closed || ended, `the end after the ${first}'s`)
    }
    const causes = (await proxy.logged(2)).map(({ cause }) => cause)
    assert.deepEqual(causes, ['ERR_CLIENT_ABORT', 'ERR_UPSTREAM_ABORT'])
  })
})
