import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const websocket =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

/** Echoes over what was switched, and begins event streams that it never ends. */
function startStreams(t: TestContext): Promise<Origin> {
  return startOrigin(t, async (connection) => {
    const request = await connection.request()
    if (request === null) return
    if (request.field('upgrade') === undefined) {
      connection.send(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n',
      )
      return
    }
    connection.send(switching)
    connection.socket.on('data', (chunk: Buffer) => connection.send(chunk))
  })
}

interface Setting {
  drain?: string
  /** What the chat route matches beside its path. */
  methods?: ('GET' | 'POST')[]
  endpoints: string[]
  header?: string
  routes?: NonNullable<ConfigInput['gateway']>['routes']
}

function config({ drain = '60s', methods, endpoints, header = 'one', routes = [] }: Setting): ConfigInput {
  return {
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    middlewares: { marks: { headers: { response: { set: { 'x-mark': header } } } } },
    gateway: {
      routes: [
        { name: 'chat', match: { path: '/chat', ...(methods && { methods }) }, to: 'app', use: ['marks'] },
        ...routes,
      ],
      upstreams: { app: { endpoints } },
    },
    admin: 'off',
    log: { access: 'off' },
    shutdown: { drain },
  }
}

async function reloaded({ turnpike }: TestGateway, setting: Setting): Promise<void> {
  const { result, problems } = await turnpike.reload(config(setting))
  assert.equal(result, 'applied', JSON.stringify(problems))
}

async function open(gateway: TestGateway): Promise<RawPeer> {
  const client = await gateway.connect()
  client.send(get(websocket, '/chat'))
  assert.equal((await client.reply()).status, 101)
  return client
}

async function echoes(client: RawPeer, text: string): Promise<void> {
  client.send(text)
  await client.until((peer) => peer.text === text, `the echo of ${text}`)
  client.text = ''
}

test('W3 a stream lives on where its route stays, though routes and endpoints beside it come and go', async (t) => {
  const { url } = await startStreams(t)
  const gateway = await startGateway(t, { config: config({ endpoints: [url] }) })
  const client = await open(gateway)
  const other = { name: 'other', match: { path: '/other' }, respond: { body: 'other' } }
  await reloaded(gateway, { endpoints: [url], routes: [other] })
  await reloaded(gateway, { endpoints: [url, 'http://127.0.0.1:9'], routes: [other] })
  await gateway.when(() => gateway.count('generations') === 1, 'the earlier generations to end')
  await echoes(client, 'still here')
  assert.equal(gateway.count('tunnels'), 1)
})

const changes: [what: string, change: Partial<Setting>][] = [
  ['its route matches something else', { methods: ['GET'] }],
  ['its middleware has changed', { header: 'two' }],
]

for (const [what, change] of changes) {
  test(`W3 where ${what}, a stream ends when the drain time is over, not before`, async (t) => {
    const { url } = await startStreams(t)
    const gateway = await startGateway(t, { config: config({ endpoints: [url], drain: '300ms' }) })
    const client = await open(gateway)
    const before = performance.now()
    await reloaded(gateway, { endpoints: [url], drain: '300ms', ...change })
    await echoes(client, 'for a while')
    assert.equal(gateway.count('generations'), 2)
    await client.until(({ closed }) => closed, 'the end of the stream')
    assert.ok(performance.now() - before >= 290)
    const [line] = await gateway.logged(1)
    assert.equal(line!.cause, 'ERR_ROUTE_GONE')
    await gateway.when(() => gateway.count('generations') === 1, 'the earlier generation to end')
  })
}

test('W3 a stream ends where its endpoint was taken away', async (t) => {
  const { url } = await startStreams(t)
  const gateway = await startGateway(t, { config: config({ endpoints: [url], drain: '100ms' }) })
  const client = await open(gateway)
  await reloaded(gateway, { endpoints: ['http://127.0.0.1:9'], drain: '100ms' })
  await client.until(({ closed }) => closed, 'the end of the stream')
})

test('W3 an event stream outlives the drain time on a route that stays, and ends on one that goes', async (t) => {
  const { url } = await startStreams(t)
  const events = { name: 'events', match: { path: '/events' }, to: 'app' }
  const setting = { endpoints: [url], drain: '150ms' }
  const gateway = await startGateway(t, { config: config({ ...setting, routes: [events] }) })
  const [chat, other] = [await gateway.connect(), await gateway.connect()]
  chat.send(get('', '/chat'))
  other.send(get('', '/events'))
  for (const client of [chat, other]) await client.until(({ text }) => text.includes('first'), 'the first event')
  await reloaded(gateway, setting)
  await other.until(({ closed }) => closed, 'the end of the stream')
  await gateway.when(() => gateway.count('generations') === 1, 'the earlier generation to end')
  assert.equal(chat.closed, false)
  assert.equal((await ask(gateway.port, get('', '/events'))).status, 404)
})

type Balance = NonNullable<NonNullable<NonNullable<ConfigInput['gateway']>['upstreams']>[string]['balance']>

const balanced = (balance: Balance, endpoints: string[]): ConfigInput => ({
  ...config({ endpoints }),
  gateway: { routes: [{ name: 'all', to: 'app' }], upstreams: { app: { endpoints, balance } } },
})

for (const balance of [
  'roundRobin',
  'leastConnections',
  'random',
  'peakEwma',
  { hash: 'path' },
  { sticky: { cookie: 'tp' } },
] as const) {
  test(`W17 an upstream loses all its endpoints and gets them back: ${JSON.stringify(balance)}`, async (t) => {
    const origin = await startOrigin(t)
    const gateway = await startGateway(t, { config: balanced(balance, [origin.url]) })
    const asked = async (): Promise<number> => (await ask(gateway.port, get())).status
    assert.equal(await asked(), 200)
    assert.equal((await gateway.turnpike.reload(balanced(balance, []))).result, 'applied')
    assert.equal(await asked(), 503)
    assert.equal((await gateway.logged(2))[1]!.cause, 'ERR_NO_ENDPOINT')
    assert.equal((await gateway.turnpike.reload(balanced(balance, [origin.url]))).result, 'applied')
    assert.equal(await asked(), 200)
  })
}

test('W17 without routes and endpoints everything is answered by an error, as the config says', async (t) => {
  const { url } = await startStreams(t)
  const gateway = await startGateway(t, { config: config({ endpoints: [url] }) })
  const { result } = await gateway.turnpike.reload({
    ...config({ endpoints: [url] }),
    gateway: { routes: [] },
  })
  assert.equal(result, 'applied')
  assert.equal((await ask(gateway.port, get('', '/chat'))).status, 404)
  const { result: refused, problems } = await gateway.turnpike.reload({ listeners: {} })
  assert.equal(refused, 'refused')
  assert.match(JSON.stringify(problems), /at least one listener is needed/)
})
