import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientHello } from './client-hello.ts'
import { ja4 } from './ja4.ts'

const codes = (text: string): number[] => (text === '' ? [] : text.split(',').map((code) => parseInt(code, 16)))

/** The example of FoxIO's description, a Chrome of 2023. */
const chrome: ClientHello = {
  sni: 'a.test',
  alpn: ['h2', 'http/1.1'],
  version: 0x0304,
  outer: false,
  ciphers: codes('1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
  extensions: codes('001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015'),
  signatureAlgorithms: codes('0403,0804,0401,0503,0805,0501,0806,0601'),
}

test('T5 the published example has its published fingerprint, whatever the order of its extensions', () => {
  assert.equal(ja4(chrome), 't13d1516h2_8daaf6152771_e5627efa2ab1')
  const reversed = { ...chrome, extensions: chrome.extensions.toReversed(), ciphers: chrome.ciphers.toReversed() }
  assert.equal(ja4(reversed), ja4(chrome))
})

test('T5 without signature algorithms the hash is that of the extensions, as published', () => {
  assert.equal(ja4({ ...chrome, signatureAlgorithms: [] }), 't13d1516h2_8daaf6152771_6d807ffa2a79')
})

test('T5 what is not there is shown as noughts', () => {
  const bare = { ...chrome, alpn: [], ciphers: [], extensions: [], signatureAlgorithms: [], version: 0x7f1c }
  assert.equal(ja4(bare), 't00i000000_000000000000_000000000000')
})

test('T5 versions, as they are numbered', () => {
  const shown = [0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x0002].map((version) =>
    ja4({ ...chrome, version }).slice(1, 3),
  )
  assert.deepEqual(shown, ['13', '12', '11', '10', 's3', 's2'])
})

test('T5 no count goes above 99', () => {
  assert.match(ja4({ ...chrome, ciphers: Array.from({ length: 120 }, (_, at) => at) }), /^t13d9916h2_/)
})

const ends = (protocol: string): string => ja4({ ...chrome, alpn: [protocol] }).slice(8, 10)

test('T5 the ends of a protocol, as published: of the bytes in hexadecimal where they are no letters', () => {
  assert.equal(ends('http/1.1'), 'h1')
  assert.equal(ends('x'), 'xx')
  assert.equal(ends(''), '00')
  assert.equal(ends('\xab'), 'ab')
  assert.equal(ends('\xab\xcd'), 'ad')
  assert.equal(ends('0\xab'), '3b')
  assert.equal(ends('01\xab\xcd'), '3d')
  assert.equal(ends('0\xab\xcd1'), '01')
})
