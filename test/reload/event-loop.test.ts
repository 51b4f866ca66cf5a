import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, get } from '../support/raw-client.ts'
import { startRunning } from './running.ts'
import { manyRoutes } from './ten-thousand.ts'

/**
 * In CPU time of the thread, so that other processes do not count. The promise is 50 ms on a machine of one's own
 * (`npm run bench -- reload`); here this process is its own client, too.
 */
const BOUND_MS = 150

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

test('W15 a reload of 10 000 routes does not hold up the event loop, from the write to the swap', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': manyRoutes(10_000, 'one') })
  let last = threadCpuMs()
  let longest = 0
  const ticker = setInterval(() => {
    const now = threadCpuMs()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  t.after(() => clearInterval(ticker))
  let served = 0
  const loading = new AbortController()
  t.after(() => loading.abort())
  const load = (async () => {
    for (; !loading.signal.aborted; served++) assert.equal((await ask(running.port, get('', '/mark'))).status, 200)
  })()
  running.write('turnpike.yaml', manyRoutes(10_000, 'two'))
  const { result, durationMs } = await running.reloads(1)
  loading.abort()
  await load
  t.diagnostic(`longest turn ${longest.toFixed(1)} ms of CPU, reload ${durationMs} ms, ${served} requests meanwhile`)
  assert.equal(result, 'applied')
  assert.ok(longest < BOUND_MS, `the event loop was held up for ${longest.toFixed(1)} ms`)
  assert.equal((await ask(running.port, get('', '/mark'))).body, 'two')
})

test('W4 a big config that is broken is refused with every error in its place, by the thread that read it', async (t) => {
  const running = await startRunning(t, { 'turnpike.yaml': manyRoutes(100, 'one') })
  running.write('turnpike.yaml', manyRoutes(100, 'two').replace('name: route-7\n', 'nmae: route-7\n'))
  const { result, problems } = await running.reloads(1)
  assert.equal(result, 'refused')
  assert.match(JSON.stringify(problems), /"line":\d+,"column":7,.*nmae is not a known key/)
  assert.equal((await ask(running.port, get('', '/mark'))).body, 'one')
})
