import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import type { EndpointHealth } from '../../src/upstream/health/endpoint-health.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { parseExposition } from '../control/parse-exposition.ts'
import { probed } from './monitored.ts'

/** A port that refuses. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const get = (port: number, path = '/'): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    request({ port, path, host: '127.0.0.1' }, (reply) => {
      let body = ''
      reply.setEncoding('utf8').on('data', (text: string) => (body += text))
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }))
    })
      .on('error', reject)
      .end()
  })

const many = (port: number, count: number) => Promise.all(Array.from({ length: count }, () => get(port)))

function healthOf({ turnpike }: TestGateway, upstream = 'app'): EndpointHealth[] {
  return turnpike.generation.clusters.get(upstream)!.members.map(({ endpoint }) => endpoint.health)
}

const adminPort = ({ turnpike }: TestGateway): number => {
  const address = turnpike.adminAddress
  return address?.kind === 'tcp' ? address.port : 0
}

/** An origin that is asked for /healthz apart from the rest. */
async function service(t: TestContext, code: () => number = () => 200) {
  const served: string[] = []
  const origin = await startOrigin(
    t,
    answering(({ line }) => {
      if (line.includes('/healthz')) return `HTTP/1.1 ${code()} X\r\nContent-Length: 0\r\n\r\n`
      served.push(line)
      return ok('hello')
    }),
  )
  return { origin, served }
}

const active = { path: '/healthz', interval: '20ms', timeout: '2s', healthyAfter: 1, unhealthyAfter: 1 } as const

test('W5 no request goes to an endpoint that is known to be down, after a reload neither', async (t) => {
  let code = 200
  const sick = await service(t, () => code)
  const well = [await service(t), await service(t)]
  const config = (more: object): ConfigInput => ({
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: {
      routes: [{ name: 'all', to: 'app' }],
      upstreams: {
        app: { endpoints: [sick, ...well].map(({ origin }) => origin.url), health: { active }, ...more },
      },
    },
    admin: 'off',
    log: { access: 'off' },
  })
  const gateway = await startGateway(t, { config: config({}) })
  await many(gateway.port, 9)
  assert.equal(sick.served.length, 3)
  code = 503
  await gateway.when(() => !healthOf(gateway)[0]!.up, 'the probe')
  const replies = await many(gateway.port, 30)
  // What changes with the reload: nothing of the endpoint, its connections, the probe.
  for (const more of [
    { balance: 'leastConnections' },
    { timeouts: { firstByte: '7s' } },
    { health: { active: { ...active, interval: '30ms' } } },
    { health: { active: { ...active, path: '/healthz?deep', interval: '10s', unhealthyAfter: 5 } } },
  ]) {
    const { result } = await gateway.turnpike.reload(config(more))
    assert.equal(result, 'applied')
    assert.equal(healthOf(gateway)[0]!.up, false)
    replies.push(...(await many(gateway.port, 30)))
  }
  assert.equal(sick.served.length, 3, 'none since')
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200])
})

test('W8 probes are answered while every place and the whole queue of the upstream is taken', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<string>()
  const origin = await startOrigin(
    t,
    answering(({ line }) => (line.includes('/healthz') ? ok('well') : held)),
  )
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: {
      pool: { max: 1 },
      admission: { maxInFlight: 1, queue: 2, queueTimeout: '5s' },
      health: { active },
    },
  })
  const requests = [get(gateway.port), get(gateway.port), get(gateway.port)]
  await gateway.when(() => gateway.count('queuedExchanges') === 2, 'the queue')
  const [health] = healthOf(gateway)
  const before = probed(health!)
  await gateway.when(() => probed(health!) >= before + 5, 'probes')
  assert.equal(health!.probes.passed, probed(health!))
  assert.equal(gateway.count('queuedExchanges'), 2)
  release(ok('late'))
  assert.deepEqual(
    (await Promise.all(requests)).map(({ status }) => status),
    [200, 200, 200],
  )
})

test('passive health learns from requests: an endpoint that refuses is ejected, and clients see none of it', async (t) => {
  const good = [await service(t), await service(t)]
  const dead = await closedPort()
  const gateway = await startGateway(t, {
    to: [dead, ...good.map(({ origin }) => origin.port)],
    upstream: { health: { passive: { failures: 2, within: '10s', ejectFor: '60s' } } },
  })
  const replies: number[] = []
  for (let round = 0; round < 12; round++) replies.push((await get(gateway.port)).status)
  assert.deepEqual([...new Set(replies)], [200])
  const [health] = healthOf(gateway)
  assert.deepEqual(
    health!.history.events.map(({ event, reason }) => [event, reason]),
    [['ejected', 'ERR_CONNECT_REFUSED']],
  )
  const log = await gateway.logged(12)
  assert.equal(log.filter(({ attempts }) => attempts === 2).length, 2, 'two were tried again, and none after that')
})

test('panic: where all are down, requests go to all of them', async (t) => {
  const services = [await service(t, () => 500), await service(t, () => 500)]
  const gateway = await startGateway(t, {
    to: services.map(({ origin }) => origin.port),
    upstream: { health: { active } },
  })
  await gateway.when(() => healthOf(gateway).every(({ up }) => !up), 'both to be down')
  const replies = await many(gateway.port, 10)
  assert.ok(replies.every(({ status }) => status === 200))
  for (const { served } of services) assert.equal(served.length, 5)
})

test('without panic nobody is left: 503 with a cause code', async (t) => {
  const { origin, served } = await service(t, () => 500)
  const gateway = await startGateway(t, {
    to: [origin.port],
    upstream: { health: { active, panicThreshold: '0%' } },
  })
  await gateway.when(() => !healthOf(gateway)[0]!.up, 'the endpoint to be down')
  assert.equal((await get(gateway.port)).status, 503)
  const [line] = await gateway.logged(1)
  assert.equal(line!.cause, 'ERR_NO_ENDPOINT')
  assert.equal(served.length, 0)
})

const withAdmin = (endpoints: string[]): ConfigInput => ({
  listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
  gateway: { routes: [{ name: 'all', to: 'app' }], upstreams: { app: { endpoints, health: { active } } } },
  admin: { address: '127.0.0.1:0' },
  log: { access: 'off' },
})

test('health is seen: /api/upstreams with the history, metrics whose series go with the endpoint', async (t) => {
  const sick = await service(t, () => 503)
  const well = await service(t)
  const gateway = await startGateway(t, { config: withAdmin([sick.origin.url, well.origin.url]) })
  await gateway.when(() => !healthOf(gateway)[0]!.up && probed(healthOf(gateway)[1]!) > 0, 'the probes')
  const { upstreams } = JSON.parse((await get(adminPort(gateway), '/api/upstreams')).body)
  const [{ panicking, endpoints }] = upstreams
  assert.equal(panicking, false)
  const [down, up] = endpoints.map(({ health }: { health: object }) => health)
  assert.deepEqual([down.up, down.available, down.ejections, down.ejectedUntil], [false, false, 0, null])
  assert.deepEqual([down.lastProbe.outcome, down.lastProbe.reason], ['failed', 'status 503'])
  assert.equal(down.history.length, 1)
  assert.deepEqual([down.history[0].event, down.history[0].reason], ['down', 'status 503'])
  assert.ok(Math.abs(down.history[0].at - Date.now()) < 60_000)
  assert.deepEqual([up.up, up.available, up.lastProbe.outcome, up.history], [true, true, 'passed', []])

  const samples = async (name: string): Promise<Record<string, string | number>[]> => {
    const families = parseExposition((await get(adminPort(gateway), '/metrics')).body, false)
    return families.get(name)!.samples.map(({ labels, value }) => ({ ...labels, value }))
  }
  assert.deepEqual(await samples('turnpike_endpoint_up'), [
    { upstream: 'app', endpoint: sick.origin.url, value: 0 },
    { upstream: 'app', endpoint: well.origin.url, value: 1 },
  ])
  const results = await samples('turnpike_probes_total')
  assert.deepEqual(
    new Set(results.map((sample) => `${sample['endpoint']} ${sample['result']}`)),
    new Set([`${sick.origin.url} failed`, `${well.origin.url} passed`]),
  )
  await gateway.turnpike.reload(withAdmin([well.origin.url]))
  assert.deepEqual(await samples('turnpike_endpoint_up'), [{ upstream: 'app', endpoint: well.origin.url, value: 1 }])
})
