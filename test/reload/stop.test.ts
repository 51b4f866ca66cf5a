import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway } from '../support/gateway.ts'
import { ok, startOrigin } from '../support/origin.ts'
import { ask, connectRaw, get } from '../support/raw-client.ts'

const shutdown = (wait: string, drain: string): Partial<ConfigInput> => ({
  shutdown: { wait, drain },
  admin: { address: '127.0.0.1:0' },
})

test('a stop fails /ready, serves on for the wait, finishes what is in flight, and says what it cut', async (t) => {
  const slow = Promise.withResolvers<void>()
  const origin = await startOrigin(t, async (connection) => {
    for (;;) {
      const request = await connection.request().catch(() => null)
      if (request === null) return
      if (request.line.includes('/slow')) await slow.promise
      connection.send(ok('done'))
    }
  })
  const gateway = await startGateway(t, { to: [origin.port], config: shutdown('300ms', '5s') })
  const { turnpike, port } = gateway
  const { adminAddress } = turnpike
  const ready = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${adminAddress?.kind === 'tcp' ? adminAddress.port : 0}/ready`)
    await answer.text()
    return answer.status
  }
  assert.equal(await ready(), 200)
  const kept = await gateway.connect()
  kept.send(get())
  assert.equal((await kept.reply()).field('connection'), undefined)
  const waiting = await gateway.connect()
  waiting.send(get('', '/slow'))
  await gateway.when(() => gateway.count('exchanges') === 1, 'the slow request')
  const stopped = turnpike.stop()
  assert.equal(await ready(), 503)
  // New connections are still taken, and every reply says goodbye.
  for (const client of [kept, await gateway.connect()]) {
    client.send(get())
    const reply = await client.reply()
    assert.deepEqual([reply.status, reply.body, reply.field('connection')], [200, 'done', 'close'])
  }
  await gateway.when(() => gateway.count('listeners') === 0, 'the listener to close')
  await assert.rejects(connectRaw(port))
  slow.resolve()
  const reply = await waiting.reply()
  assert.deepEqual([reply.status, reply.field('connection')], [200, 'close'])
  assert.deepEqual(await stopped, { cut: 0 })
})

test('what is still busy when the drain time is over is cut and counted; a second stop cuts at once', async (t) => {
  const origin = await startOrigin(t, async (connection) => void (await connection.request()))
  for (const [wait, drain, again] of [
    ['0s', '100ms', false],
    ['60s', '60s', true],
  ] as const) {
    const gateway = await startGateway(t, { to: [origin.port], config: shutdown(wait, drain) })
    const client = await gateway.connect()
    client.send(get())
    await gateway.when(() => gateway.count('exchanges') === 1, 'the request')
    const stopped = gateway.turnpike.stop()
    if (again) void gateway.turnpike.stop()
    assert.deepEqual(await stopped, { cut: 1 })
    assert.equal(await client.over(), 'end')
  }
})

test('a reload that is asked for while stopping is refused, and changes nothing', async (t) => {
  const gateway = await startGateway(t, { to: ['http://127.0.0.1:9'] })
  const stopped = gateway.turnpike.stop()
  const { result, problems } = await gateway.turnpike.reload({
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: { routes: [] },
    admin: 'off',
  })
  assert.deepEqual([result, problems[0]?.code], ['refused', 'ERR_DRAINING'])
  await stopped
})

test('W14 a name that does not resolve stops neither the start nor a reload: its requests alone fail', async (t) => {
  const origin = await startOrigin(t)
  const config = (nowhere: string): ConfigInput => ({
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: {
      routes: [
        { name: 'here', match: { path: '/here' }, to: 'here' },
        { name: 'nowhere', match: { path: '/nowhere' }, to: 'nowhere' },
      ],
      upstreams: { here: { endpoints: [origin.url] }, nowhere: { endpoints: [nowhere] } },
    },
    admin: 'off',
    log: { access: 'off' },
  })
  const gateway = await startGateway(t, { config: config('http://nowhere.invalid:9001') })
  const statuses = async (): Promise<number[]> => [
    (await ask(gateway.port, get('', '/here'))).status,
    (await ask(gateway.port, get('', '/nowhere'))).status,
  ]
  assert.deepEqual(await statuses(), [200, 502])
  assert.equal((await gateway.turnpike.reload(config('http://elsewhere.invalid:9001'))).result, 'applied')
  assert.deepEqual(await statuses(), [200, 502])
  assert.equal((await gateway.turnpike.reload(config(origin.url))).result, 'applied')
  assert.deepEqual(await statuses(), [200, 200])
})
