import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnpikeError } from '../../../core/error.ts'
import { StoreCoordination } from './store-coordination.ts'

const never = new AbortController().signal
const full = (): TurnpikeError => new TurnpikeError('ERR_MODULE_STORE', { message: 'no space left on device' })

test('a store that has no room for a lock is done without', async () => {
  const coordination = new StoreCoordination({ exclusively: () => Promise.reject(full()) })
  assert.equal(await coordination.exclusively('a', never, () => Promise.resolve(7)), 7)
})

test('work that was done is not done again where its lock cannot be given back', async () => {
  let runs = 0
  const coordination = new StoreCoordination({
    async exclusively<T>(_name: string, work: (held: AbortSignal) => Promise<T>): Promise<T> {
      await work(never)
      throw full()
    },
  })
  assert.equal(await coordination.exclusively('a', never, () => Promise.resolve(++runs)), 1)
  assert.equal(runs, 1)
})

test('what the work throws, and why waiting ended, is thrown', async () => {
  let runs = 0
  const straight = new StoreCoordination({ exclusively: (_name, work) => work(never) })
  const failing = (): Promise<never> => (runs++, Promise.reject(full()))
  await assert.rejects(straight.exclusively('a', never, failing), { code: 'ERR_MODULE_STORE' })
  assert.equal(runs, 1)
  const left = new StoreCoordination({ exclusively: () => Promise.reject(new TurnpikeError('ERR_CLIENT_ABORT')) })
  await assert.rejects(left.exclusively('a', never, failing), { code: 'ERR_CLIENT_ABORT' })
  assert.equal(runs, 1)
})
