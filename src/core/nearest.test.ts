import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

test('the key that was meant is suggested', () => {
  const keys = ['listeners', 'gateway', 'trustedProxies', 'log', 'admin', 'firstByte']
  assert.equal(nearest('listener', keys), 'listeners')
  assert.equal(nearest('gatewya', keys), 'gateway')
  assert.equal(nearest('firstbyte', keys), 'firstByte')
  assert.equal(nearest('lgo', keys), 'log')
})

test('nothing is suggested where nothing is near', () => {
  assert.equal(nearest('zzzzzz', ['listeners', 'gateway']), undefined)
  assert.equal(nearest('x', ['ab', 'cd']), undefined)
  assert.equal(nearest('x', []), undefined)
})
