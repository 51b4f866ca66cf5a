import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProxyHeader } from './proxy-protocol.ts'

/** Two IPv4 ends, as version 2 writes them. */
const ends4 = 'c0000201c6336402dc0401bb'
const signature = '0d0a0d0a000d0a515549540a'

/** A version 2 header: command and family in hex, then what follows the length. */
function v2(command: string, family: string, body: string, length = body.length / 2): Buffer {
  return Buffer.from(signature + command + family + length.toString(16).padStart(4, '0') + body, 'hex')
}

/** Reads it with bytes behind it; every shorter prefix must ask for more. */
function accepted(header: Buffer): Extract<ReturnType<typeof readProxyHeader>, { done: true }> {
  for (let size = 0; size < header.length; size++) {
    assert.deepEqual(readProxyHeader(header.subarray(0, size)), { done: false }, `${size} bytes`)
  }
  const reading = readProxyHeader(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\n')]))
  assert.ok('done' in reading && reading.done, JSON.stringify(reading))
  assert.equal(reading.bytes, header.length)
  return reading
}

/** Some prefix must be refused, and all longer ones too. */
function refused(header: Buffer): void {
  let found = false
  for (let size = 0; size <= header.length; size++) {
    const isFault = 'fault' in readProxyHeader(header.subarray(0, size))
    assert.ok(isFault || !found)
    found = isFault
  }
  assert.ok(found, header.toString('latin1'))
}

test('version 1: both families, and UNKNOWN with or without more', () => {
  const four = accepted(Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'))
  assert.deepEqual(four.source, { address: '192.0.2.1', port: 56324 })
  assert.deepEqual(four.destination, { address: '198.51.100.2', port: 443 })
  const six = accepted(Buffer.from('PROXY TCP6 2001:db8::1 ::1 0 65535\r\n'))
  assert.deepEqual(six.source, { address: '2001:db8::1', port: 0 })
  assert.equal(accepted(Buffer.from('PROXY UNKNOWN\r\n')).source, null)
  assert.equal(accepted(Buffer.from('PROXY UNKNOWN ff::1 whatever\r\n')).source, null)
  const longest = `PROXY UNKNOWN ${'f'.repeat(107 - 16)}\r\n`
  assert.equal(longest.length, 107)
  accepted(Buffer.from(longest))
})

test('version 1: all else is refused, within 107 bytes', () => {
  for (const line of [
    'PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 56324 443\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n',
    'PROXY TCP4 2001:db8::1 198.51.100.2 56324 443\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 056 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 1 443\r\n',
    'PROXY \r\n',
    'PROXY\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.2 1 443\r\n',
    'GET / HTTP/1.1\r\n',
    `PROXY UNKNOWN ${'f'.repeat(107 - 15)}\r\n`,
    `PROXY TCP4 ${'1'.repeat(200)}`,
  ]) {
    refused(Buffer.from(line))
  }
})

function unixPath(text: string): string {
  return Buffer.from(text).toString('hex').padEnd(216, '0')
}

test('version 2: IPv4, IPv6 and Unix addresses', () => {
  const four = accepted(v2('21', '11', ends4))
  assert.deepEqual(four.source, { address: '192.0.2.1', port: 56324 })
  assert.deepEqual(four.destination, { address: '198.51.100.2', port: 443 })
  const ends = `20010db8000000000000000000000001${'0'.repeat(20)}ffffc0000201dc0401bb`
  const six = accepted(v2('21', '21', ends))
  assert.deepEqual(six.source, { address: '2001:db8::1', port: 56324 })
  assert.deepEqual(six.destination, { address: '::ffff:192.0.2.1', port: 443 })
  const unix = accepted(v2('21', '31', unixPath('/run/a.sock') + unixPath('')))
  assert.deepEqual([unix.source?.address, unix.destination?.address], ['/run/a.sock', ''])
})

test('version 2: IPv6 text is canonical (RFC 5952)', () => {
  for (const [hex, text] of [
    ['0'.repeat(32), '::'],
    [`${'0'.repeat(31)}1`, '::1'],
    [`0001${'0'.repeat(28)}`, '1::'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['00000000000100000000000100000000', '::1:0:0:1:0:0'],
  ] as const) {
    assert.equal(accepted(v2('21', '21', `${hex}${hex}00010002`)).source?.address, text)
  }
})

test('version 2: LOCAL and unspecified families name nobody; what follows is skipped', () => {
  assert.equal(accepted(v2('20', '00', '')).source, null)
  assert.equal(accepted(v2('20', '11', ends4)).source, null)
  assert.equal(accepted(v2('21', '00', 'abcdef')).source, null)
  assert.equal(accepted(v2('21', '10', ends4)).source, null)
})

test('version 2: fields behind the addresses, in memory of their own', () => {
  const header = v2('21', '11', `${ends4}0100026832040000`)
  const { tlvs } = accepted(header)
  assert.deepEqual(tlvs, [
    { type: 1, value: Buffer.from('h2') },
    { type: 4, value: Buffer.alloc(0) },
  ])
})

test('version 2: all else is refused, without waiting for what is too long', () => {
  refused(v2('11', '11', ends4))
  refused(v2('22', '11', ends4))
  refused(v2('21', '41', ends4))
  refused(v2('21', '13', ends4))
  refused(v2('21', '11', 'c0000201c6336402dc04'))
  refused(v2('21', '21', ends4))
  refused(v2('21', '31', '00'))
  refused(v2('21', '11', `${ends4}01`))
  refused(v2('21', '11', `${ends4}010003aabb`))
  refused(v2('21', '11', '', 4097))
  accepted(v2('21', '11', `${ends4}01${(4096 - 15).toString(16).padStart(4, '0')}${'ab'.repeat(4096 - 15)}`))
  refused(Buffer.from(signature.replace('51', '52'), 'hex'))
})
