import assert from 'node:assert/strict'
import test from 'node:test'
import { trendOf } from './trend.ts'

test('a line is found, and how well it fits', () => {
  assert.deepEqual(
    trendOf([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    { slope: 2, fit: 1 },
  )
  assert.deepEqual(
    trendOf([
      [0, 4],
      [1, 4],
    ]),
    { slope: 0, fit: 0 },
  )
  const noisy = trendOf([
    [0, 0],
    [1, 2],
    [2, 0],
    [3, 2],
  ])
  assert.equal(noisy.slope, 0.4)
  assert.ok(noisy.fit < 0.5)
})
