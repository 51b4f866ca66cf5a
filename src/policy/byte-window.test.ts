import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ByteWindow } from './byte-window.ts'

test('bytes count for as long as the window is, and a slice more at most', () => {
  const window = new ByteWindow(1200)
  assert.equal(window.add(5, 50), 5)
  assert.equal(window.add(7, 150), 12)
  assert.equal(window.total(1250), 12, 'the first slice has not left yet as a whole')
  assert.equal(window.total(1300), 7)
  assert.equal(window.total(1400), 0)
  assert.equal(window.add(3, 1_000_000), 3)
})

test('it says when there is room again', () => {
  const window = new ByteWindow(1200)
  window.add(5, 50)
  window.add(7, 150)
  assert.equal(window.untilBelow(13, 200), 0)
  assert.equal(window.untilBelow(12, 200), 1100)
  assert.equal(window.untilBelow(7, 200), 1200)
  assert.equal(new ByteWindow(1200).untilBelow(1, 99), 0)
})

test('it never says less than what was added within the window', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 1000 })), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(steps, (each) => {
      const window = new ByteWindow(1200)
      const added: [number, number][] = []
      let now = 0
      for (const [later, bytes] of each) {
        now += later
        added.push([now, bytes])
        const said = window.add(bytes, now)
        const within = (ms: number) => added.reduce((sum, [at, some]) => (at > now - ms ? sum + some : sum), 0)
        assert.ok(said >= within(1200) && said <= within(1301), `${within(1200)} <= ${said} <= ${within(1301)}`)
        const until = window.untilBelow(500, now)
        if (until > 0) assert.ok(said >= 500)
      }
    }),
  )
})
