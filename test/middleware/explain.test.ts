import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfigObject } from '../../src/config/load.ts'
import { decide } from '../../src/decision.ts'

test('W10 explain names the middleware that a request would pass, in order', async () => {
  const { config, warnings } = await loadConfigObject({
    listeners: { web: { address: '127.0.0.1:8080', door: 'gateway', use: ['ids'] } },
    middlewares: { ids: { requestId: {} }, 'per-client': { rateLimit: { rate: '100/s' } }, spare: { headers: {} } },
    gateway: {
      use: ['per-client'],
      routes: [
        { name: 'live', match: { path: '/live/**' }, use: [{ stripPrefix: { prefix: '/live' } }], respond: {} },
        { name: 'plain', match: { path: '/plain' }, respond: {} },
      ],
    },
  })
  const passes = (url: string) => decide(config, { method: 'GET', url }).middleware
  assert.deepEqual(passes('/live/a'), ['ids', 'per-client', 'stripPrefix'])
  assert.deepEqual(passes('/plain'), ['ids', 'per-client'])
  // What finds no route passes those before it all the same.
  assert.deepEqual(passes('/other'), ['ids', 'per-client'])
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['middlewares.spare: no `use` names this middleware'],
  )
})
