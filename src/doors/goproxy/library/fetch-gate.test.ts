import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FetchGate } from './fetch-gate.ts'

const never = new AbortController().signal

/** Work that ends when the test says so. */
function held(): { work: () => Promise<void>; end: () => void; begun: Promise<void> } {
  const begun = Promise.withResolvers<void>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = (): Promise<void> => {
    begun.resolve()
    return promise
  }
  return { work, end: resolve, begun: begun.promise }
}

test('first come, first served; who leaves the queue, and who fails, makes room for the next', async () => {
  const gate = new FetchGate(1)
  const order: string[] = []
  const first = held()
  const running = gate.run(never, first.work)
  const leaver = new AbortController()
  const left = gate.run(leaver.signal, () => Promise.resolve(order.push('left')))
  const failed = gate.run(never, () => {
    order.push('failed')
    return Promise.reject(new Error('broken'))
  })
  const last = gate.run(never, () => Promise.resolve(order.push('last')))
  leaver.abort(new Error('gone'))
  await assert.rejects(left, /gone/)
  assert.deepEqual(order, [])
  first.end()
  await running
  await assert.rejects(failed, /broken/)
  await last
  assert.deepEqual(order, ['failed', 'last'])
})

test('whose turn comes in the moment in which it leaves passes it on', async () => {
  // The turn is given within the microtasks that follow: the leaver goes at each of them once.
  for (let microtasks = 0; microtasks < 12; microtasks++) {
    const gate = new FetchGate(1)
    const first = held()
    const running = gate.run(never, first.work)
    await first.begun
    const leaver = new AbortController()
    const left = gate.run(leaver.signal, () => Promise.resolve('ran'))
    const next = gate.run(never, () => Promise.resolve('next'))
    first.end()
    for (let at = 0; at < microtasks; at++) await Promise.resolve()
    leaver.abort(new Error('gone'))
    await Promise.allSettled([running, left])
    assert.equal(await next, 'next', `after ${microtasks}`)
    assert.equal(await gate.run(never, () => Promise.resolve('free')), 'free', `after ${microtasks}`)
  }
})
