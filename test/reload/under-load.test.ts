import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, get as plainGet, type RequestOptions } from 'node:http'
import { Agent as TlsAgent, get as tlsGet } from 'node:https'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import type { ConfigInput } from '../../src/config/config.ts'
import type { LedgerKind } from '../../src/engine/ledger.ts'
import { createTurnpike } from '../../src/index.ts'
import { testCertificate } from '../support/certificates.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'
import { collectGarbage } from './collect-garbage.ts'

/** `RELOADS=1000 node --test test/reload/under-load.test.ts` is the long run. */
const RELOADS = Number(process.env['RELOADS'] ?? 100)

/** A service that answers with its name, and echoes over WebSockets. */
async function startService(t: TestContext, name: string): Promise<string> {
  const server = createServer((_request, response) => response.end(name))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${portOf(server)}`
}

/** One of the requests of the load: its body, or what went wrong. */
function request(get: typeof plainGet, options: RequestOptions): Promise<string> {
  return new Promise((resolve) => {
    get(options, (response) => {
      let text = String(response.statusCode)
      response.setEncoding('utf8').on('data', (chunk: string) => (text += ` ${chunk}`))
      response.on('end', () => resolve(text))
      response.on('error', (error) => resolve(String(error)))
    }).on('error', (error) => resolve(String(error)))
  })
}

test(`W2 W3 ${RELOADS} reloads under load: no request fails, a WebSocket lives on, nothing is left`, async (t) => {
  const services = await Promise.all(['a', 'b', 'c'].map((name) => startService(t, name)))
  const certificates = ['one', 'two'].map((subject) => testCertificate({ subject, names: ['DNS:a.test'] }))
  const config = (round: number): ConfigInput => {
    const certificate = certificates[round % 2]!
    return {
      listeners: {
        web: { address: '127.0.0.1:0', door: 'gateway' },
        secure: {
          address: '127.0.0.1:0',
          door: 'gateway',
          tls: { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] },
        },
      },
      gateway: {
        routes: [
          { name: 'chat', match: { path: '/chat' }, to: 'chat' },
          { name: 'steady', match: { path: '/steady' }, to: 'app' },
          { name: `only-${round}`, match: { path: `/only/${round}` }, respond: { body: 'here' } },
        ],
        upstreams: {
          app: { endpoints: services.filter((_, index) => index !== round % 3) },
          chat: { endpoints: [services[0]!] },
        },
      },
      admin: 'off',
      log: { access: 'off' },
      shutdown: { drain: '2s' },
    }
  }
  const turnpike = await createTurnpike(config(0), { logger: { error() {}, warn() {}, info() {}, debug() {} } })
  t.after(() => turnpike.stop(0))
  const port = (name: string): number => {
    const bound = turnpike.addresses.get(name)
    return bound?.kind === 'tcp' ? bound.port : 0
  }
  const target = { host: '127.0.0.1', path: '/steady', rejectUnauthorized: false, servername: 'a.test' }
  const kept = new Agent({ keepAlive: true })
  const keptTls = new TlsAgent({ keepAlive: true })
  const freshTls = new TlsAgent({ keepAlive: false, maxCachedSessions: 0 })
  const outcomes = new Map<string, number>()
  const drivers = new AbortController()
  const drive = async (get: typeof plainGet, options: RequestOptions): Promise<void> => {
    while (!drivers.signal.aborted) {
      const outcome = await request(get, options)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const first = new WeakRef(turnpike.generation)
  const socket = new WebSocket(`ws://127.0.0.1:${port('web')}/chat`)
  await once(socket, 'open')
  const load = [
    ...Array.from({ length: 4 }, () => drive(plainGet, { ...target, port: port('web'), agent: kept })),
    ...Array.from({ length: 2 }, () => drive(tlsGet, { ...target, port: port('secure'), agent: keptTls })),
    drive(tlsGet, { ...target, port: port('secure'), agent: freshTls }),
  ]
  const { ledger } = turnpike.services
  const counts = (): Record<string, number> => {
    const kinds: LedgerKind[] = ['listeners', 'tunnels', 'generations', 'scopes', 'sharedStates', 'tasks', 'watches']
    return Object.fromEntries(kinds.map((kind) => [kind, ledger.count(kind)]))
  }
  const settled = async (): Promise<void> => {
    while (ledger.count('generations') > 1) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await turnpike.reload(config(1))
  await settled()
  const baseline = counts()
  for (let round = 2; round <= RELOADS; round++) {
    const { result, problems } = await turnpike.reload(config(round))
    assert.equal(result, 'applied', JSON.stringify(problems))
    const body = await request(plainGet, { ...target, path: `/only/${round}`, port: port('web'), agent: kept })
    assert.equal(body, '200 here')
    if (round % 20 === 0) {
      socket.send(`round ${round}`)
      const [data]: Buffer[] = await once(socket, 'message')
      assert.equal(String(data), `round ${round}`)
    }
  }
  // A request of the load at most holds a generation.
  drivers.abort()
  await Promise.all(load)
  for (const agent of [kept, keptTls, freshTls]) agent.destroy()
  await settled()
  assert.deepEqual(counts(), baseline)
  assert.deepEqual([...outcomes.keys()].toSorted(), ['200 a', '200 b', '200 c'])
  const served = [...outcomes.values()].reduce((sum, count) => sum + count, 0)
  t.diagnostic(`${served} requests during ${RELOADS} reloads, none failed`)
  assert.ok(served > RELOADS)
  await collectGarbage()
  assert.ok(first.deref() === undefined, 'the WebSocket holds the generation in which it began')
  socket.send('still')
  const [data]: Buffer[] = await once(socket, 'message')
  assert.equal(String(data), 'still')
  socket.close()
  await once(socket, 'close')
  await turnpike.stop()
  await assertLedgerBaseline(turnpike)
})
