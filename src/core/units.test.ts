import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseByteRate, parseDuration, parsePercentage, parseRate, parseSize } from './units.ts'

test('durations are milliseconds', () => {
  const pairs: [string, number][] = [
    ['250ms', 250],
    ['5s', 5000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['0s', 0],
  ]
  for (const [text, ms] of pairs) assert.equal(parseDuration(text), ms, text)
})

test('durations are written as a config has them', () => {
  assert.deepEqual([0, 250, 1_500, 16_000, 61_000, 120_000, 7_200_000].map(formatDuration), [
    '0ms',
    '250ms',
    '1.5s',
    '16s',
    '61s',
    '2m',
    '2h',
  ])
})

test('sizes are bytes', () => {
  const pairs: [string, number][] = [
    ['512B', 512],
    ['16KiB', 16_384],
    ['64MiB', 67_108_864],
    ['1GiB', 1_073_741_824],
  ]
  for (const [text, bytes] of pairs) assert.equal(parseSize(text), bytes, text)
})

test('rates are counts in a time', () => {
  assert.deepEqual(parseRate('100/s'), { count: 100, perMs: 1000 })
  assert.deepEqual(parseRate('60/m'), { count: 60, perMs: 60_000 })
  assert.deepEqual(parseByteRate('1KiB/30s'), { bytes: 1024, perMs: 30_000 })
})

test('a number without a unit is refused, and the units are named', () => {
  assert.throws(() => parseDuration('10'), /10 has no unit: write one of ms, s, m or h behind it/)
  assert.throws(() => parseSize('10'), /10 has no unit: write one of B, KiB, MiB or GiB behind it/)
  assert.throws(() => parseRate('10'), /per s, m or h/)
})

test('what is no quantity is refused', () => {
  for (const text of ['', 's', '-5s', '5 s', '5S', '1e3s', '5d', '.5s', '9999999999999h']) {
    assert.throws(() => parseDuration(text), RangeError, text)
  }
  for (const text of ['', 'KiB', '5kb', '5KB', '5 KiB', '-1B']) assert.throws(() => parseSize(text), RangeError, text)
  for (const text of ['', '/s', '5/', '5/s/s', '-5/s', '5/ms']) assert.throws(() => parseRate(text), RangeError, text)
  for (const text of ['1KiB', '1KiB/', '/30s', '1KiB/0s']) assert.throws(() => parseByteRate(text), RangeError, text)
})

test('percentages are shares from 0 to 1', () => {
  assert.deepEqual(['0%', '12.5%', '50%', '100%'].map(parsePercentage), [0, 0.125, 0.5, 1])
  for (const text of ['', '50', '101%', '-1%', '1e1%', '50 %'])
    assert.throws(() => parsePercentage(text), RangeError, text)
})
