import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { load } from './load.ts'
import { startService, type Service } from './service.ts'

test('peakEwma: one of four endpoints ten times slower gets clearly less than its share', async (t) => {
  const after = (delayMs: number): Promise<Service> =>
    startService(t, (_request, response) => void setTimeout(() => response.end('hello'), delayMs))
  const services = await Promise.all([after(60), after(6), after(6), after(6)])
  const gateway = await startGateway(t, {
    to: services.map(({ port }) => port),
    upstream: { balance: 'peakEwma' },
  })
  const count = 1_200
  const outcomes = await load(gateway.port, { clients: 12, goesOn: (sent) => sent < count })
  assert.deepEqual([...outcomes], [[200, count]])
  const [slow, ...fast] = services.map((service) => service.count / count)
  assert.ok(slow! < 0.08, `a share of ${slow}, not of 0.25`)
  for (const share of fast) assert.ok(share > 0.2, `an even share of the rest, not ${share}`)
})

test('leastConnections: WebSockets and slow replies count as load', async (t) => {
  const slow = await startService(t, (_request, response) => void setTimeout(() => response.end('hello'), 40))
  const fast = await startService(t)
  const gateway = await startGateway(t, {
    to: [slow.port, fast.port],
    upstream: { balance: 'leastConnections' },
  })
  await load(gateway.port, { clients: 8, goesOn: (sent) => sent < 400 })
  assert.ok(slow.count < 100, `${slow.count} of 400`)
})
