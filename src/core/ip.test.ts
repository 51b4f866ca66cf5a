import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import { ipBytes, isIPv4, isIPv6 } from './ip.ts'

test('it takes the addresses that node:net takes, zones aside', () => {
  const group = fc.oneof(
    fc.constantFrom('', '0', '::', ':', 'ffff', '12345', 'g', '1.2.3.4', '1.2.3.256', '01.2.3.4', '1.2.3', '%'),
  )
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(group, { maxLength: 10 }).map((groups) => groups.join(':')),
    fc.array(fc.constantFrom('0', '1', '255', '256', '00', '01', ''), { maxLength: 5 }).map((parts) => parts.join('.')),
  )
  fc.assert(
    fc.property(text, (each) => {
      if (each.includes('%')) return
      assert.equal(isIPv4(each), net.isIPv4(each), each)
      assert.equal(isIPv6(each), net.isIPv6(each), each)
    }),
    { numRuns: 5000 },
  )
})

test('every spelling of an address has the same bytes', () => {
  same('::1', '0:0:0:0:0:0:0:1')
  same('2001:DB8::', '2001:db8:0:0:0:0:0:0')
  same('10.1.2.3', '::ffff:10.1.2.3')
  same('10.1.2.3', '::ffff:a01:203')
  same('64:ff9b::1.2.3.4', '64:ff9b::102:304')
  assert.notDeepEqual(ipBytes('::'), ipBytes('0.0.0.0'))
})

test('what is no address has none', () => {
  for (const text of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '::1%eth0',
    '1.2.3.4::',
    'x',
  ]) {
    assert.equal(ipBytes(text), null, text)
  }
})

function same(left: string, right: string): void {
  assert.deepEqual(ipBytes(left), ipBytes(right))
}
