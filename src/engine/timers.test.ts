import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { Random } from '../../test/sim/random.ts'
import { SimWorld } from '../../test/sim/sim-world.ts'
import { Ledger } from './ledger.ts'
import { Deadline, TimerWheel, type TimerName } from './timers.ts'

/** A deadline may come this much later than asked for. */
const COARSE_MS = 17

describe('TimerWheel', () => {
  let world: SimWorld
  let ledger: Ledger
  let wheel: TimerWheel
  let fired: { name: TimerName; at: number }[]
  let entry: Deadline

  const deadline = (): Deadline => new Deadline((name) => fired.push({ name, at: world.now() }))
  /** Lets time pass. */
  const pass = (ms: number): Promise<boolean> => world.loop.run(undefined, world.now() + ms)
  const set = (of: Deadline, name: TimerName, delayMs: number): void => wheel.set(of, name, world.now(), delayMs)

  beforeEach(() => {
    world = new SimWorld(1)
    ledger = new Ledger()
    wheel = new TimerWheel(world, ledger)
    fired = []
    entry = deadline()
  })

  test('H25 expires once, not early, with the name it was set by', async () => {
    const start = world.now()
    set(entry, 'head', 100)
    await pass(99)
    assert.equal(fired.length, 0)
    await pass(10_000)
    assert.equal(fired.length, 1)
    assert.equal(fired[0]!.name, 'head')
    assert.ok(fired[0]!.at >= start + 100 && fired[0]!.at <= start + 100 + COARSE_MS, `${fired[0]!.at - start}`)
  })

  test('a delay of 0 expires in the next slot', async () => {
    set(entry, 'drain', 0)
    assert.equal(fired.length, 0)
    await pass(COARSE_MS)
    assert.equal(fired.length, 1)
  })

  test('moved later again and again, it expires at the last time only', async () => {
    const start = world.now()
    for (let moved = 0; moved < 50; moved++) {
      set(entry, 'idle', 100)
      await pass(30)
    }
    assert.equal(fired.length, 0)
    await pass(10_000)
    assert.equal(fired.length, 1)
    assert.ok(fired[0]!.at >= start + 49 * 30 + 100 && fired[0]!.at <= start + 49 * 30 + 100 + COARSE_MS)
  })

  test('moved earlier, it expires at the earlier time and under the new name', async () => {
    const start = world.now()
    set(entry, 'idle', 75_000)
    await pass(1000)
    set(entry, 'head', 200)
    await pass(200_000)
    assert.equal(fired.length, 1)
    assert.equal(fired[0]!.name, 'head')
    assert.ok(fired[0]!.at >= start + 1200 && fired[0]!.at <= start + 1200 + COARSE_MS)
  })

  test('cleared, it does not expire; set again, it does', async () => {
    set(entry, 'head', 50)
    wheel.clear(entry)
    await pass(200)
    assert.equal(fired.length, 0)
    set(entry, 'idle', 50)
    wheel.clear(entry)
    set(entry, 'stall', 70)
    await pass(200)
    assert.deepEqual(
      fired.map((each) => each.name),
      ['stall'],
    )
  })

  test('removed, it is struck from the ledger and nothing is left to wake for', async () => {
    const others = Array.from({ length: 5 }, deadline)
    for (const other of others) set(other, 'idle', 40)
    assert.equal(ledger.count('timers'), 5)
    for (const other of [others[2]!, others[0]!, others[4]!, others[1]!, others[3]!]) wheel.remove(other)
    wheel.remove(others[0]!)
    assert.equal(ledger.count('timers'), 0)
    assert.ok(world.loop.isSleeping)
    await pass(200)
    assert.equal(fired.length, 0)
  })

  test('the process sleeps when nothing is set, and until the first deadline when something is', async () => {
    assert.ok(world.loop.isSleeping)
    set(entry, 'idle', 60_000)
    const { turns } = world.loop
    await pass(59_000)
    assert.ok(world.loop.turns - turns <= 2, `woke ${world.loop.turns - turns} times`)
    await pass(2000)
    assert.equal(fired.length, 1)
    assert.ok(world.loop.isSleeping)
    assert.equal(ledger.count('timers'), 0)
  })

  test('after a long sleep the first deadline does not wake the process at once', async () => {
    world.loop.now += 3_600_000
    set(entry, 'idle', 10_000)
    assert.ok(world.loop.wakesAt >= world.now() + 10_000)
    await pass(10_000 + COARSE_MS)
    assert.equal(fired.length, 1)
  })

  test('beyond the 65 s of the wheel it expires on time', async () => {
    const start = world.now()
    const delays = [65_400, 65_519, 65_520, 65_536, 65_600, 131_072, 3_600_000]
    const entries = delays.map((delay) => {
      const each = deadline()
      set(each, 'idle', delay)
      return each
    })
    await pass(4_000_000)
    assert.equal(fired.length, entries.length)
    fired.forEach(({ at }, index) => {
      const late = at - start - delays[index]!
      assert.ok(late >= 0 && late <= COARSE_MS, `${delays[index]!} ms came ${late} ms late`)
    })
  })

  test('a clock that jumps over several turns of the wheel expires everything once', async () => {
    for (const delay of [10, 5000, 64_000, 100_000, 300_000]) set(deadline(), 'idle', delay)
    world.loop.now += 250_000
    await pass(100)
    assert.equal(fired.length, 4)
    await pass(100_000)
    assert.equal(fired.length, 5)
    assert.equal(ledger.count('timers'), 0)
  })

  test('H25 a deadline that comes late looks once more at what was already waiting', async () => {
    set(entry, 'firstByte', 100)
    // The reply came in at 60 ms, while the loop was busy from 50 to 550 ms.
    world.loop.ready(() => wheel.clear(entry), 60)
    await pass(50)
    world.loop.now += 500
    await pass(1000)
    assert.equal(fired.length, 0)
  })

  test('H25 a deadline moved by what was already waiting counts from there', async () => {
    set(entry, 'stall', 100)
    world.loop.ready(() => set(entry, 'stall', 100), 60)
    await pass(50)
    world.loop.now += 500
    const moved = world.now()
    await pass(1000)
    assert.equal(fired.length, 1)
    assert.ok(fired[0]!.at >= moved + 100)
  })

  test('a deadline removed between its time and its turn does not expire', async () => {
    const other = deadline()
    const killer = new Deadline(() => wheel.remove(other))
    // The later linked of one slot is looked at first.
    set(other, 'idle', 100)
    set(killer, 'head', 100)
    await pass(1000)
    assert.equal(fired.length, 0)
    assert.equal(ledger.count('timers'), 0)
  })

  test('an expired deadline can be set again from its own callback', async () => {
    let left = 3
    const again: Deadline = new Deadline((name) => {
      fired.push({ name, at: world.now() })
      if (--left > 0) set(again, name, 100)
    })
    set(again, 'bodyProgress', 100)
    await pass(1000)
    assert.equal(fired.length, 3)
    assert.ok(fired[2]!.at - fired[0]!.at >= 200)
  })

  test('agrees with a naive list over random lives, late timers and jumps included', async () => {
    for (let seed = 1; seed <= 40; seed++) await compare(seed)
  })
})

interface Modelled {
  entry: Deadline
  dueAt: number
}

/** Random operations on some deadlines, each checked against the time at which it should expire. */
async function compare(seed: number): Promise<void> {
  const random = new Random(seed)
  const world = new SimWorld(seed)
  const ledger = new Ledger()
  const wheel = new TimerWheel(world, ledger)
  const punctual = random.chance(0.5)
  if (!punctual) {
    world.loop.busy = () => (random.chance(0.05) ? random.between(1, 90_000) : 0)
    world.loop.lateness = () => random.next() * 30
  }
  const all: Modelled[] = Array.from({ length: random.between(1, 12) }, () => {
    const modelled: Modelled = {
      dueAt: Infinity,
      entry: new Deadline(() => {
        const late = world.now() - modelled.dueAt
        assert.ok(late >= 0, `seed ${seed}: expired ${-late} ms early`)
        if (punctual) assert.ok(late <= COARSE_MS, `seed ${seed}: expired ${late} ms late`)
        modelled.dueAt = Infinity
      }),
    }
    return modelled
  })
  const longest = random.pick([50, 2000, 70_000, 400_000])
  for (let step = 0; step < 120; step++) {
    const modelled = random.pick(all)
    const delay = random.between(0, longest)
    switch (random.weighted({ set: 5, clear: 1, remove: 1, pass: 3 })) {
      case 'set':
        wheel.set(modelled.entry, 'idle', world.now(), delay)
        modelled.dueAt = world.now() + delay
        break
      case 'clear':
        wheel.clear(modelled.entry)
        modelled.dueAt = Infinity
        break
      case 'remove':
        wheel.remove(modelled.entry)
        modelled.dueAt = Infinity
        break
      case 'pass':
        await world.loop.run(undefined, world.now() + random.between(0, longest))
        for (const each of all) {
          if (punctual) assert.ok(each.dueAt + COARSE_MS >= world.now(), `seed ${seed}: a deadline was missed`)
        }
        break
    }
  }
  await world.loop.run()
  for (const each of all) assert.equal(each.dueAt, Infinity, `seed ${seed}: a deadline never expired`)
  assert.equal(ledger.count('timers'), 0, `seed ${seed}: entries are left on the wheel`)
  assert.ok(world.loop.isSleeping)
}
