import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CidrSet } from '../core/address.ts'
import { PublicAddresses } from './public-addresses.ts'

const forbidden: Record<string, string[]> = {
  'this network': ['0.0.0.0', '0.1.2.3', '::'],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  loopback: ['127.0.0.1', '127.8.9.10', '::1'],
  'link-local': ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  'shared by carriers': ['100.64.0.1', '100.127.255.255'],
  metadata: ['169.254.169.254', '100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  'reserved and broadcast': ['240.0.0.1', '255.255.255.255', '192.0.0.8', '100::1', '5f00::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarks: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  'unique local': ['fc00::1', 'fdff::1'],
  'site-local': ['fec0::1'],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe'],
  'IPv4-compatible': ['::127.0.0.1', '::8.8.8.8'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::169.254.169.254', '64:ff9b:1::8.8.8.8'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1', '192.88.99.1'],
  Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001::1'],
  'no address': [
    '',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.1.',
    '[::1]',
    '1.2.3.4.5',
  ],
}

const allowed = ['8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1', '192.0.1.1', '223.255.255.255']
const allowedIPv6 = [
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '2001:4860:4860::8888',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
]

test('F8 only public addresses are allowed, in whatever form they come', () => {
  const guard = new PublicAddresses(new CidrSet([]))
  for (const [kind, addresses] of Object.entries(forbidden))
    for (const address of addresses) assert.equal(guard.allows(address), false, `${kind}: ${address}`)
  for (const address of [...allowed, ...allowedIPv6]) assert.equal(guard.allows(address), true, address)
})

test('F8 every way to write a loopback host in a URL comes out as an address that is not allowed', () => {
  const guard = new PublicAddresses(new CidrSet([]))
  for (const host of [
    '127.1',
    '0177.0.0.1',
    '0x7f.1',
    '2130706433',
    '127.0.0.1.',
    '0',
    '[::1]',
    '[::ffff:7f00:1]',
    '①②⑦.⓪.⓪.①',
  ]) {
    const { hostname } = new URL(`http://${host}/`)
    assert.equal(guard.allows(hostname.replace(/^\[(.*)\]$/, '$1')), false, `${host} is ${hostname}`)
  }
})

test('F8 what is allowed besides is allowed, and nothing next to it', () => {
  const guard = new PublicAddresses(new CidrSet(['10.1.0.0/16', 'fd00:1::/32']))
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:1::5', '8.8.8.8'])
    assert.ok(guard.allows(address), address)
  for (const address of ['10.2.0.1', 'fd00:2::5', '127.0.0.1', '64:ff9b::10.1.2.3', '2002:a01:203::'])
    assert.ok(!guard.allows(address), address)
})

const key = (...ranges: string[]): string => new PublicAddresses(new CidrSet(ranges)).key

test('the key of a pool tells two guards with different ranges apart', () => {
  assert.equal(key('10.0.0.0/8'), key('10.0.0.0/8'))
  assert.notEqual(key('10.0.0.0/8'), key())
})
