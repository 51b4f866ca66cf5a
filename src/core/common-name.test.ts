import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonName } from './common-name.ts'

test('the common name of a subject, without the escapes of RFC 4514', () => {
  assert.equal(commonName('CN=ci,OU=Build,O=Example'), 'ci')
  assert.equal(commonName('O=Example,CN=build 7'), 'build 7')
  assert.equal(commonName(String.raw`CN=Sm\, J\+ohn,O=Example`), 'Sm, J+ohn')
  assert.equal(commonName(String.raw`CN=Lu\C4\8Di\C4\87,O=Example`), 'Lučić')
  assert.equal(commonName('OU=team+CN=ci,O=Example'), 'ci')
  assert.equal(commonName('O=Example'), '')
  assert.equal(commonName(''), '')
})

test('an attribute of another name, or a value that looks like one, is no common name', () => {
  assert.equal(commonName(String.raw`O=a\,CN=admin`), '')
  assert.equal(commonName('XCN=admin,O=Example'), '')
  assert.equal(commonName('O=CN=admin'), '')
})
