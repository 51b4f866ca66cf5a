import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CidrSet, formatAddress, isLoopback, parseAddress } from './address.ts'

test('addresses are read and written alike', () => {
  for (const text of [':8080', '127.0.0.1:8080', '[::1]:8080', 'unix:/run/x.sock', '0.0.0.0:0']) {
    assert.equal(formatAddress(parseAddress(text)), text)
  }
  assert.deepEqual(parseAddress('[::1]:443'), { kind: 'tcp', host: '::1', port: 443 })
  assert.deepEqual(parseAddress(':443'), { kind: 'tcp', host: '', port: 443 })
})

test('what is no address is refused', () => {
  const faults = [
    '',
    '8080',
    'localhost:80',
    '::1:80',
    '1.2.3.4:65536',
    '1.2.3:80',
    '[1.2.3.4]:80',
    'unix:x',
    'unix:',
    ':-1',
  ]
  for (const text of faults) assert.throws(() => parseAddress(text), RangeError, text)
})

test('loopback is what only this machine reaches', () => {
  for (const text of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'unix:/x'])
    assert.equal(isLoopback(parseAddress(text)), true, text)
  for (const text of [':1', '0.0.0.0:1', '[::]:1', '10.0.0.1:1'])
    assert.equal(isLoopback(parseAddress(text)), false, text)
})

test('a range holds its addresses, in both notations of IPv4', () => {
  const set = new CidrSet(['10.0.0.0/8', '192.0.2.4/31', '127.0.0.1', '2001:db8::/33', '::1/128'])
  for (const address of [
    '10.0.0.0',
    '10.255.255.255',
    '::ffff:10.1.2.3',
    '::ffff:0a01:0203',
    '192.0.2.5',
    '127.0.0.1',
    '2001:db8:7fff::1',
    '::1',
  ]) {
    assert.equal(set.has(address), true, address)
  }
  for (const address of [
    '11.0.0.0',
    '9.255.255.255',
    '192.0.2.6',
    '127.0.0.2',
    '2001:db8:8000::1',
    '::2',
    '::a00:1',
    '',
    'x',
  ]) {
    assert.equal(set.has(address), false, address)
  }
})

test('a range over all addresses of IPv4 leaves IPv6 out', () => {
  const set = new CidrSet(['0.0.0.0/0'])
  assert.equal(set.has('203.0.113.1'), true)
  assert.equal(set.has('2001:db8::1'), false)
  assert.equal(new CidrSet(['::/0']).has('2001:db8::1'), true)
  assert.equal(new CidrSet([]).has('127.0.0.1'), false)
})

test('an address with a zone is looked up without it', () => {
  assert.equal(new CidrSet(['fe80::/10']).has('fe80::1%eth0'), true)
})

test('what is no range is refused', () => {
  for (const text of [
    '',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0.0/',
    '10.0.0.0/x',
    '10.0/8',
    '::/129',
    'fe80::1%eth0/64',
  ]) {
    assert.throws(() => new CidrSet([text]), RangeError, text)
  }
})

test('a set shows as what was typed', () => {
  assert.equal(JSON.stringify(new CidrSet(['10.0.0.0/8', '::1'])), '["10.0.0.0/8","::1"]')
})
