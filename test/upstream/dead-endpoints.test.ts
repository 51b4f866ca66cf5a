import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { startNginx } from '../support/peers/nginx.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { load } from './load.ts'
import { startService } from './service.ts'

test('W7 a dead endpoint in a cluster of three under load: no error for idempotent requests', async (t) => {
  const services = await Promise.all([startService(t), startService(t), startService(t)])
  const gateway = await startGateway(t, {
    to: services.map(({ port }) => port),
    upstream: {
      health: { passive: { failures: 2, ejectFor: '60s' } },
      retries: { maxRetries: 2, retryOn: ['connectFailure', 'reset'], backOff: { base: '1ms', max: '5ms' } },
    },
  })
  const dead = services[1]
  let killed: Promise<void> | undefined
  const outcomes = await load(gateway.port, {
    clients: 16,
    goesOn(sent) {
      if (sent >= 500) killed ??= dead.kill()
      return sent < 3_000
    },
  })
  await killed
  assert.deepEqual([...outcomes], [[200, 3_000]])
  const after = (await gateway.logged(3_000)).slice(2_000)
  assert.ok(
    after.every(({ endpoint, attempts }) => endpoint !== dead.url && attempts === 1),
    'it is known to be dead',
  )
})

test('W7 the same without any of health and retries: what is refused goes elsewhere', async (t) => {
  const services = await Promise.all([startService(t), startService(t), startService(t)])
  const gateway = await startGateway(t, { to: services.map(({ port }) => port) })
  const dead = services[0]
  // While nothing is in flight there: what a killed endpoint was working on is not safe to repeat unasked.
  await load(gateway.port, { clients: 4, goesOn: (sent) => sent < 40 })
  await dead.kill()
  const outcomes = await load(gateway.port, { clients: 8, goesOn: (sent) => sent < 600 })
  assert.deepEqual([...outcomes], [[200, 600]])
})

test('W7 a rolling update, endpoint by endpoint, by polite stops: no 502', async (t) => {
  const services = await Promise.all([startService(t), startService(t), startService(t)])
  const gateway = await startGateway(t, { to: services.map(({ port }) => port) })
  let rolling = true
  const loaded = load(gateway.port, { clients: 8, goesOn: () => rolling })
  for (const service of services) {
    const before = service.count
    await gateway.when(() => service.count > before + 20, 'requests to it')
    await service.stop()
    const others = gateway.log.length
    await gateway.when(() => gateway.log.length > others + 50, 'requests to the others')
    await service.restart()
  }
  rolling = false
  assert.deepEqual([...(await loaded).keys()], [200])
})

test('W7 an endpoint that drains gets nothing new, and its clients by cookie stay', async (t) => {
  const services = await Promise.all([
    startService(t, (_request, response) => void response.end('0')),
    startService(t, (_request, response) => void response.end('1')),
  ])
  const endpoints = services.map(({ url }) => url)
  const before = await startGateway(t, { upstream: { endpoints, balance: { sticky: { cookie: 'tp' } } } })
  const cookies: string[] = []
  for (let at = 0; at < 2; at++) {
    const [body, cookie] = await ask(before.port)
    cookies[Number(body)] = cookie.split(';')[0]!
  }
  const [drains, stays] = services
  const gateway = await startGateway(t, {
    upstream: {
      endpoints: [{ url: drains.url, draining: true }, stays.url],
      balance: { sticky: { cookie: 'tp' } },
    },
  })
  assert.deepEqual(await ask(gateway.port, cookies[0]), ['0', ''], 'its own client, which has its cookie')
  for (let at = 0; at < 4; at++) {
    const [body, cookie] = await ask(gateway.port)
    assert.equal(body, '1')
    assert.ok(cookie.startsWith(`${cookies[1]!};`))
  }
})

async function ask(port: number, cookie = ''): Promise<[body: string, cookie: string]> {
  const reply = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } })
  return [await reply.text(), reply.headers.get('set-cookie') ?? '']
}

const http = (port: number): string => `
  server { listen 127.0.0.1:${port}; location / { return 200 "hello"; } }`

test('W7 an nginx that is replaced gracefully under load: no 502', async (t) => {
  if (!requireProgram(t, 'nginx')) return
  const peers = await Promise.all([startNginx({ http }), startNginx({ http })])
  t.after(() => Promise.all(peers.map((peer) => peer.stop())))
  const gateway = await startGateway(t, { to: peers.map(({ port }) => port) })
  let goesOn = true
  const loaded = load(gateway.port, { clients: 8, goesOn: () => goesOn })
  await gateway.when(() => gateway.log.length > 200, 'load')
  // Its master lets the workers finish what they have.
  process.kill(peers[0].pid, 'SIGQUIT')
  const before = gateway.log.length
  await gateway.when(() => gateway.log.length > before + 1_000, 'load without it')
  goesOn = false
  assert.deepEqual([...(await loaded).keys()], [200])
  assert.ok(gateway.log.slice(-100).every(({ endpoint }) => endpoint === `http://127.0.0.1:${peers[1].port}`))
})
