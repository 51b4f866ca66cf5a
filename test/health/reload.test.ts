import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realWorld } from '../../src/engine/real-world.ts'
import { answering, startOrigin } from '../support/origin.ts'
import { probed, startMonitored, until } from './monitored.ts'

const status = (code: number) => `HTTP/1.1 ${code} X\r\nContent-Length: 0\r\n\r\n`
const active = { interval: '20ms', timeout: '5s', unhealthyAfter: 1, healthyAfter: 2 } as const

test('W5 a reload that leaves the probe as it is neither forgets nor starts a second prober', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => status(503)),
  )
  const { generation, services } = startMonitored(t)
  const first = generation([origin.url], { active })
  const [health] = first.healths
  await until(() => !health!.up, 'the probe')
  const second = generation([origin.url, 'http://127.0.0.1:1'], { active })
  assert.equal(second.healths[0], health, 'what is known is the same object')
  assert.equal(second.healths[0]!.up, false)
  assert.equal(second.healths[1]!.up, true)
  await first.close()
  const before = probed(health!)
  await until(() => probed(health!) >= before + 3, 'the prober to go on')
  assert.equal(health!.history.events.length, 1)
  await second.close()
  await until(() => services.ledger.count('probes') === 0, 'no probe')
})

test('W5 another probe begins with what was known; the older one is silent and gives no verdict', async (t) => {
  let live = 503
  const paths: string[] = []
  const origin = await startOrigin(
    t,
    answering(({ line }) => {
      paths.push(line.split(' ')[1]!)
      return status(line.includes('/live') ? live : 503)
    }),
  )
  const { generation } = startMonitored(t)
  const first = generation([origin.url], { active: { ...active, path: '/old' } })
  const [health] = first.healths
  await until(() => !health!.up, 'the verdict of the first')
  generation([origin.url], { active: { ...active, path: '/live' } })
  assert.equal(health!.up, false, 'known to be down')
  live = 200
  await until(() => health!.up, 'the verdict of the second')
  // The first generation still drains.
  const from = paths.length
  const before = probed(health!)
  await until(() => probed(health!) >= before + 5, 'more probes')
  assert.ok(health!.up)
  assert.ok(!paths.slice(from + 1).includes('/old'), String(paths.slice(from)))
  await first.close()
  assert.ok(health!.up)
})

test('W5 a generation that is given up leaves the verdict of the one that serves', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => status(200)),
  )
  const { generation } = startMonitored(t)
  const serving = generation([origin.url], { active })
  const [health] = serving.healths
  await until(() => probed(health!) > 0, 'a probe')
  const given = generation([origin.url], { active: { ...active, initial: 'down', path: '/other', interval: '10s' } })
  await given.close()
  assert.ok(health!.up)
  const before = probed(health!)
  await until(() => probed(health!) >= before + 2, 'the first prober to go on')
})

test('W5 an endpoint that is no longer probed is up, and ejections outlive a reload', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => status(503)),
  )
  const world = realWorld()
  const { generation } = startMonitored(t, world)
  const urls = [origin.url, 'http://127.0.0.1:1', 'http://127.0.0.1:2']
  const passive = { failures: 1, on: [502] }
  const first = generation(urls, { active: { ...active, interval: '50ms' }, passive })
  const [down, ejected] = first.healths
  ejected!.recordFailure(world.now(), '502')
  await until(() => !down!.up, 'the probe')
  const second = generation(urls, { passive })
  await first.close()
  assert.deepEqual([down!.up, down!.available(world.now())], [true, true])
  assert.equal(second.healths[1]!.available(world.now()), false)
  assert.deepEqual(
    down!.history.events.map(({ event }) => event),
    ['down', 'up'],
  )
})

test('W5 the newest config says what counts for ejection', async (t) => {
  const world = realWorld()
  const { generation } = startMonitored(t, world)
  const urls = ['http://127.0.0.1:1', 'http://127.0.0.1:2']
  const first = generation(urls, { passive: { failures: 1 } })
  const second = generation(urls, { passive: { failures: 3 } })
  const [health] = first.healths
  health!.recordFailure(world.now(), '503')
  assert.ok(health!.available(world.now()))
  await second.close()
  health!.recordFailure(world.now(), '503')
  assert.ok(!health!.available(world.now()), 'the first again, when the second is gone')
})
