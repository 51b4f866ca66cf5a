import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalHost } from './canonical-host.ts'

test('F8 every way to write an address is that address', () => {
  for (const text of [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0X7F.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '①②⑦.0.0.1',
    '127。0。0。1',
    '[::ffff:127.0.0.1]',
    '::FFFF:7F00:1',
    '[0:0:0:0:0:ffff:127.0.0.1]',
  ])
    assert.equal(canonicalHost(text), '127.0.0.1', text)
  for (const text of ['::1', '[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::0.0.0.1]'])
    assert.equal(canonicalHost(text), '::1', text)
  assert.equal(canonicalHost('[2001:DB8:0:0:1::0]'), '2001:db8:0:0:1::', 'RFC 5952 §4')
  assert.equal(canonicalHost('0'), '0.0.0.0')
})

test('F8 a name is in lower case, without its trailing dot, in ASCII', () => {
  const names: [string, string][] = [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['LOCALHOST', 'localhost'],
    ['ⓛocalhost', 'localhost'],
    ['localhos\u212A', 'localhosk'],
    ['%6cocalhost', 'localhost'],
    ['local\u00adhost', 'localhost'],
    ['MÜNCHEN.example', 'xn--mnchen-3ya.example'],
    ['_dmarc.example', '_dmarc.example'],
    ['1password.example', '1password.example'],
    ['a.1b', 'a.1b'],
  ]
  for (const [text, name] of names) assert.equal(canonicalHost(text), name, text)
})

test('F8 what is no host is none, and what is canonical stays as it is', () => {
  for (const text of [
    '',
    '.',
    'a..b',
    '.a',
    'a b',
    'a\tb',
    'a\0b',
    'a/b',
    'a?b',
    'a#b',
    'u@a',
    'a\\b',
    'a*b',
    '%00',
    '%2e',
    '%zz.example',
    '%2531.0.0.1',
    '256.1.1.1',
    '1.2.3.4.5',
    '99999999999',
    'a.0x7f',
    '08.0.0.1',
    '[::1',
    '::1]',
    '[]',
    '[[::1]]',
    '[127.0.0.1]',
    '[::1%25lo]',
    'fe80::1%1',
    '::1::',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}a`,
    'é'.repeat(2000),
  ])
    assert.equal(canonicalHost(text), null, text)
  for (const host of ['127.0.0.1', '::1', 'example.com', 'xn--mnchen-3ya.example', '2001:db8::1'])
    assert.equal(canonicalHost(host), host)
})
