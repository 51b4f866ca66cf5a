import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedIPv4 } from './embedded-ipv4.ts'

test('F8 the IPv4 address behind an IPv6 one is found: NAT64, 6to4, Teredo, IPv4-compatible', () => {
  const cases: [string, string | null][] = [
    ['64:ff9b::169.254.169.254', '169.254.169.254'],
    ['64:ff9b:1::a00:1', '10.0.0.1'],
    ['64:ff9b:1:2:3:4:a00:1', '10.0.0.1'],
    ['::127.0.0.1', '127.0.0.1'],
    ['2002:7f00:1::', '127.0.0.1'],
    ['2002:a9fe:a9fe:1::1', '169.254.169.254'],
    // RFC 4380 §4, by its own example: 192.0.2.45
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '192.0.2.45'],
    ['::1', null],
    ['::', null],
    ['64:ff9b:2::1', null],
    ['2001:db8::1', null],
    ['fe80::1', null],
    ['10.0.0.1', null],
    ['name', null],
  ]
  for (const [address, inner] of cases) assert.equal(embeddedIPv4(address), inner, address)
})
