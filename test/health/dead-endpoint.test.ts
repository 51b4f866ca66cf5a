import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, request, type Server } from 'node:http'
import { test } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'

/** A service that counts what it serves, its probes aside. */
class Service {
  port = 0
  served = 0
  private server: Server | null = null

  async start(): Promise<void> {
    this.server = createServer(({ url }, reply) => {
      if (url !== '/healthz') this.served++
      reply.end('hello')
    }).listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = portOf(this.server)
  }

  /** As a process that is killed: every connection breaks, new ones are refused. */
  async kill(): Promise<void> {
    const { server } = this
    if (server === null) return
    this.server = null
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
}

test('W7 of three endpoints under load one dies and comes back: clients see none of it, reloads included', async (t) => {
  const services = [new Service(), new Service(), new Service()]
  for (const service of services) {
    await service.start()
    t.after(() => service.kill())
  }
  const [mortal, ...others] = services
  const config = (firstByte: string): ConfigInput => ({
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: {
      routes: [{ name: 'all', to: 'app' }],
      upstreams: {
        app: {
          endpoints: services.map(({ port }) => `http://127.0.0.1:${port}`),
          timeouts: { firstByte },
          health: {
            active: { path: '/healthz', interval: '50ms', timeout: '1s', healthyAfter: 2, unhealthyAfter: 2 },
            passive: { failures: 3, within: '10s', ejectFor: '100ms' },
          },
          retries: { maxRetries: 2, retryOn: ['connectFailure', 'reset'], budget: '100%' },
        },
      },
    },
    admin: 'off',
    log: { access: 'off' },
  })
  const gateway = await startGateway(t, { config: config('10s') })
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const statuses = new Map<number, number>()
  const get = () =>
    new Promise<void>((resolve, reject) => {
      request({ agent, port: gateway.port, host: '127.0.0.1', path: '/' }, (reply) => {
        const { statusCode = 0 } = reply
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
        reply.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
  const enough = new AbortController()
  const load = Array.from({ length: 8 }, async () => {
    while (!enough.signal.aborted) await get()
  })
  const health = () => gateway.turnpike.generation.clusters.get('app')!.members[0]!.endpoint.health
  await gateway.when(() => mortal!.served > 100, 'load')
  await mortal!.kill()
  await gateway.when(() => !health().up, 'the probes')
  await gateway.turnpike.reload(config('11s'))
  const before = others.map(({ served }) => served)
  await gateway.when(() => others.every(({ served }, index) => served > before[index]! + 100), 'load on the others')
  assert.equal(health().up, false)
  const served = mortal!.served
  await mortal!.start()
  await gateway.when(() => mortal!.served > served + 100, 'load on it again')
  enough.abort()
  await Promise.all(load)
  assert.deepEqual([...statuses.keys()], [200])
  assert.deepEqual(
    health()
      .history.events.map(({ event }) => event)
      .filter((event) => event === 'up' || event === 'down'),
    ['down', 'up'],
  )
})
