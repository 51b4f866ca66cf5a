import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { ja4 } from '../../src/wire/ja4.ts'
import { ClientHelloReader } from '../../src/wire/client-hello.ts'
import { renderWhy } from '../../src/cli/render-why.ts'
import { captureHello, reframed } from '../support/forward/capture-hello.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { startTlsServer } from '../support/sni-gateway.ts'

type ForwardOptions = Parameters<typeof startForward>[1]

/** A proxy to whose one listener raw TLS comes; it leads to `port` of whatever host is named. */
function startSniProxy(t: TestContext, port: number, forward: ForwardOptions = {}): Promise<TestGateway> {
  const open = { auth: 'off' as const, allowFrom: ['127.0.0.0/8'] }
  return startForward(t, { auth: 'off', ...forward }, { listener: { mode: 'sni', targetPort: port, ...open } })
}

const helloFor = (name: string): Promise<Buffer> =>
  captureHello((port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', name])

const ending = (t: TestContext): Promise<Origin> =>
  startOrigin(t, async (server) => {
    await server.until(({ ended }) => ended, 'the end of the client')
    server.end()
  })

test('T3 raw TLS is led to the host of its ClientHello, whose own certificate the client sees', async (t) => {
  const server = await startTlsServer(t, 'localhost')
  const proxy = await startSniProxy(t, server.port)
  const ca = server.certificate.cert
  const socket = connect({ port: proxy.port, host: '127.0.0.1', servername: 'localhost', ca })
  const [line] = await once(socket, 'data')
  assert.equal(String(line), 'this is localhost\n')
  socket.end()
  const [logged] = await proxy.logged(1)
  const { destination, protocol, method, path, status, host, hello } = Object(logged)
  assert.deepEqual(
    { destination, protocol, method, path, status, host, sni: hello.sni },
    {
      destination: 'sni',
      protocol: 'TLS',
      method: 'CONNECT',
      path: `localhost:${server.port}`,
      status: 200,
      host: 'localhost',
      sni: 'localhost',
    },
  )
  const why = renderWhy({ request: logged, explain: null })
  assert.match(
    why,
    new RegExp(
      `^asked for +CONNECT localhost:${server.port}\n +by sni\nhello +localhost, TLSv1\\.3 at most, .*JA4 t13d`,
      'm',
    ),
  )
})

test('T1 T2 T3 T5 hellos are led alike at any split and any size of records, and arrive byte for byte', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await ending(t)
  const proxy = await startSniProxy(t, origin.port)
  const hello = await helloFor('LocalHost.')
  const expected = new ClientHelloReader().read(hello)
  assert.ok(typeof expected === 'object')
  let index = 0
  for (const size of [1, 60, 16_384]) {
    const bytes = reframed(hello, size)
    for (const cut of [3, 61, bytes.length - 1]) {
      const client = await proxy.connect()
      client.send(bytes.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      client.send(bytes.subarray(cut))
      const server = await origin.connection(index++)
      await server.until(({ total }) => total === bytes.length, 'all bytes')
      assert.equal(server.text, bytes.toString('latin1'))
      client.end()
    }
  }
  for (const line of await proxy.logged(index)) assert.equal(Object(line).hello.ja4, ja4(expected))
})

test('T3 a rule on the name refuses it by the alert unrecognized_name, and nothing is dialled', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await ending(t)
  const proxy = await startSniProxy(t, origin.port, { rules: [{ match: { host: '*.ads.test' }, deny: true }] })
  const client = await proxy.connect()
  client.send(await helloFor('x.ads.test'))
  await client.over()
  assert.deepEqual([...Buffer.from(client.text, 'latin1')], [21, 3, 3, 0, 2, 2, 112])
  assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_RULE_DENIED')
  assert.equal(origin.connections.length, 0)
})

test('F8 the guard holds for names in a ClientHello too', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const origin = await ending(t)
  const proxy = await startSniProxy(t, origin.port, { guard: { denyPrivate: true } })
  const client = await proxy.connect()
  client.send(await helloFor('localhost'))
  await client.over()
  assert.deepEqual([...Buffer.from(client.text, 'latin1')], [21, 3, 3, 0, 2, 2, 49])
  assert.equal((await proxy.logged(1))[0]!.cause, 'ERR_ADDRESS_FORBIDDEN')
  assert.equal(origin.connections.length, 0)
})
