import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { Ledger } from './ledger.ts'
import { realWorld } from './real-world.ts'
import { Scope } from './scope.ts'
import { SharedStates } from './shared-states.ts'

function fresh() {
  const ledger = new Ledger()
  const errors: unknown[] = []
  const states = new SharedStates()
  const make = (): Scope => new Scope({ world: realWorld(), ledger, states, onError: (error) => errors.push(error) })
  const live = (): number[] =>
    (['scopes', 'timers', 'tasks', 'sharedStates'] as const).map((kind) => ledger.count(kind))
  return { errors, make, live }
}

test('timers run, can be cancelled, and end with the scope', async () => {
  const { make, live } = fresh()
  const scope = make()
  const ran: string[] = []
  scope.after(1, () => ran.push('once'))
  scope.after(1, () => ran.push('cancelled')).cancel()
  const ticks = new Promise<void>((resolve) => {
    const every = scope.every(1, () => {
      ran.push('tick')
      if (ran.filter((what) => what === 'tick').length === 3) {
        every.cancel()
        resolve()
      }
    })
  })
  await ticks
  await delay(5)
  assert.deepEqual(ran.toSorted(), ['once', 'tick', 'tick', 'tick'])
  scope.every(1, () => ran.push('late'))
  scope.after(1, () => ran.push('late'))
  assert.deepEqual(live(), [1, 2, 0, 0])
  await scope.close()
  assert.deepEqual(live(), [0, 0, 0, 0])
  scope.after(1, () => ran.push('late'))
  await delay(5)
  assert.equal(ran.includes('late'), false)
  assert.deepEqual(live(), [0, 0, 0, 0])
})

test('what a timer, a task or a disposal throws is reported, and ends nothing else', async () => {
  const { make, errors, live } = fresh()
  const scope = make()
  let runs = 0
  await new Promise<void>((resolve) => {
    scope.every(1, () => {
      if (++runs === 3) resolve()
      throw new Error(`timer ${runs}`)
    })
  })
  scope.task(() => Promise.reject(new Error('task')))
  scope.task(() => {
    throw new Error('synchronous task')
  })
  scope.use({
    [Symbol.dispose]() {
      throw new Error('disposal')
    },
  })
  await scope.close()
  const messages = errors.map((error) => (error instanceof Error ? error.message : ''))
  assert.deepEqual(messages.slice(0, 3), ['timer 1', 'timer 2', 'timer 3'])
  assert.deepEqual(messages.slice(-3, -1).toSorted(), ['synchronous task', 'task'])
  assert.equal(messages.at(-1), 'disposal')
  assert.deepEqual(live(), [0, 0, 0, 0])
})

test('close aborts the signal, waits for tasks, then disposes in reverse order, once', async () => {
  const { make, errors, live } = fresh()
  const scope = make()
  const order: string[] = []
  scope.use({ [Symbol.dispose]: () => void order.push('first') })
  scope.use({
    async [Symbol.asyncDispose]() {
      await delay(1)
      order.push('second')
    },
  })
  scope.task(async (signal) => {
    await delay(60_000, null, { signal }).catch(() => order.push('task'))
    signal.throwIfAborted()
  })
  await Promise.resolve()
  const closing = scope.close()
  assert.equal(scope.close(), closing)
  await closing
  assert.deepEqual(order, ['task', 'second', 'first'])
  assert.deepEqual(errors, [], 'to stop when told is no failure')
  assert.deepEqual(live(), [0, 0, 0, 0])
})

test('a child ends with its parent, or before it', async () => {
  const { make, live } = fresh()
  const parent = make()
  const early = parent.child()
  const late = parent.child()
  late.every(1, () => {})
  await early.close()
  assert.deepEqual(live(), [2, 1, 0, 0])
  await parent.close()
  assert.equal(late.signal.aborted, true)
  assert.deepEqual(live(), [0, 0, 0, 0])
})

test('shared state lives as long as any scope wants it', async () => {
  const { make, live } = fresh()
  const before = make()
  const after = make()
  let made = 0
  const state = (own: Scope): { own: Scope } => {
    made++
    own.every(1_000, () => {})
    return { own }
  }
  const first = before.shared('bucket', state)
  assert.equal(before.shared('bucket', state), first)
  assert.equal(after.shared('bucket', state), first)
  assert.notEqual(after.shared('other', state), first)
  await before.close()
  assert.equal(first.own.signal.aborted, false)
  await after.close()
  assert.equal(first.own.signal.aborted, true)
  assert.equal(made, 2)
  assert.deepEqual(live(), [0, 0, 0, 0])
  const again = make()
  assert.notEqual(again.shared('bucket', state), first)
  await again.close()
})

const broken = (): never => {
  throw new Error('broken')
}

test('shared state that cannot be made leaves nothing', async () => {
  const { make, live } = fresh()
  const scope = make()
  assert.throws(() => scope.shared('broken', broken), /broken/)
  await scope.close()
  assert.deepEqual(live(), [0, 0, 0, 0])
})
