import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyHeader } from './proxy-header.ts'
import { readProxyHeader } from './proxy-protocol.ts'

const four = { clientAddress: '192.0.2.7', clientPort: 40_001, localAddress: '198.51.100.1', localPort: 443 }
const six = { ...four, clientAddress: '2001:db8::7', localAddress: '2001:db8::1' }
const mixed = { ...four, clientAddress: '2001:db8::7' }
const unix = { ...four, clientAddress: 'unix:', clientPort: 0 }

test('a version 1 header is the line of the specification', () => {
  assert.equal(proxyHeader('v1', four).toString(), 'PROXY TCP4 192.0.2.7 198.51.100.1 40001 443\r\n')
  assert.equal(proxyHeader('v1', six).toString(), 'PROXY TCP6 2001:db8::7 2001:db8::1 40001 443\r\n')
  assert.equal(proxyHeader('v1', mixed).toString(), 'PROXY TCP6 2001:db8::7 ::ffff:198.51.100.1 40001 443\r\n')
  assert.equal(proxyHeader('v1', unix).toString(), 'PROXY UNKNOWN\r\n')
})

test('what is written is read again, in both versions', () => {
  for (const version of ['v1', 'v2'] as const) {
    for (const connection of [four, six, mixed]) {
      const bytes = proxyHeader(version, connection)
      const header = readProxyHeader(Buffer.concat([bytes, Buffer.from('behind')]))
      assert.ok('done' in header && header.done)
      assert.equal(header.bytes, bytes.length)
      const { clientAddress: address, clientPort: port, localAddress, localPort } = connection
      assert.deepEqual(header.source, { address, port })
      const mapped = connection === mixed ? `::ffff:${localAddress}` : localAddress
      assert.deepEqual(header.destination, { address: mapped, port: localPort })
    }
    const unknown = readProxyHeader(proxyHeader(version, unix))
    assert.ok('done' in unknown && unknown.done && unknown.source === null)
  }
})
