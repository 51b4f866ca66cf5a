import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readSocks4Request, socks4Reply } from './socks4.ts'
import { readSocks5Greeting, readSocks5Login, readSocks5Request, socks5Reply } from './socks5.ts'
import { readSocksDatagram, socksDatagramHead } from './socks-datagram.ts'

const readers = [readSocks5Greeting, readSocks5Login, readSocks5Request, readSocks4Request, readSocksDatagram] as const

const name = Buffer.from('git.example')
const payload = Buffer.from('GET / HTTP/1.1\r\n\r\n')

const messages: [what: string, read: (bytes: Buffer) => unknown, bytes: Buffer, expected: object][] = [
  ['a greeting', readSocks5Greeting, Buffer.from([5, 2, 0, 2]), { methods: [0, 2], end: 4 }],
  ['a greeting without a method', readSocks5Greeting, Buffer.from([5, 0]), { methods: [], end: 2 }],
  [
    'a login',
    readSocks5Login,
    Buffer.from('\x01\x05alice\x06s:é c', 'utf8'),
    { username: 'alice', password: 's:é c', end: 14 },
  ],
  ['an empty password', readSocks5Login, Buffer.from('\x01\x01a\x00'), { username: 'a', password: '', end: 4 }],
  [
    'a request for a name',
    readSocks5Request,
    Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([1, 187])]),
    { command: 1, host: 'git.example', port: 443, end: 18 },
  ],
  [
    'a request for IPv4',
    readSocks5Request,
    Buffer.from([5, 3, 0, 1, 10, 0, 0, 7, 0, 80]),
    { command: 3, host: '10.0.0.7', port: 80, end: 10 },
  ],
  [
    'a request for IPv6',
    readSocks5Request,
    Buffer.from([5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1, 0, 80]),
    { command: 1, host: '2001:db8:0:0:0:0:0:1', port: 80, end: 22 },
  ],
  [
    'SOCKS4 for an address',
    readSocks4Request,
    Buffer.from('\x04\x01\x00\x50\x0a\x00\x00\x07me\x00', 'latin1'),
    { command: 1, host: '10.0.0.7', port: 80, end: 11 },
  ],
  [
    'SOCKS4A for a name',
    readSocks4Request,
    Buffer.from('\x04\x01\x01\xbb\x00\x00\x00\x01\x00git.example\x00', 'latin1'),
    { command: 1, host: 'git.example', port: 443, end: 21 },
  ],
]

describe('S1 messages of SOCKS clients', () => {
  for (const [what, read, bytes, expected] of messages) {
    test(`${what}: whole, cut at every byte, and glued to what follows`, () => {
      assert.deepEqual(read(bytes), expected)
      for (let length = 0; length < bytes.length; length++)
        assert.equal(read(bytes.subarray(0, length)), 'more', `${length}`)
      assert.deepEqual(read(Buffer.concat([bytes, payload])), expected)
    })
  }

  test('what is none is told from what is not complete', () => {
    assert.equal(readSocks5Greeting(Buffer.from([4, 1])), 'other')
    assert.equal(readSocks5Login(Buffer.from([5, 1])), 'other')
    assert.equal(readSocks5Request(Buffer.from([4, 1, 0, 1])), 'other')
    assert.equal(readSocks5Request(Buffer.from([5, 1, 0, 2])), 'type')
    assert.equal(readSocks5Request(Buffer.from([5, 1, 0, 3, 0])), 'other', 'a name without a character')
    assert.equal(readSocks4Request(Buffer.from(`\x04\x01\x00\x50\x0a\x00\x00\x07${'u'.repeat(256)}`)), 'other')
    assert.equal(readSocks4Request(Buffer.from(`\x04\x01\x00\x50\x00\x00\x00\x07\x00${'n'.repeat(256)}`)), 'other')
    assert.equal(readSocks4Request(Buffer.from('\x04\x01\x00\x50\x00\x00\x00\x07\x00\x00')), 'other')
  })

  test('what a reader waits for is bounded, and no bytes make one throw', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % below
    }
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(Array.from({ length: random(700) }, () => (random(4) === 0 ? random(6) : random(256))))
      for (const read of readers) {
        const result = read(bytes)
        if (result === 'more') assert.ok(bytes.length < 600, `${read.name} waits after ${bytes.length} bytes`)
        else if (result !== null && typeof result === 'object') assert.ok(result.end <= bytes.length)
      }
    }
  })
})

const at = (address: string) => ({ address, port: 443 })

test('S2 replies say the bound address, IPv4 and IPv6; SOCKS4 has room for IPv4 alone', () => {
  assert.deepEqual([...socks5Reply(5, null)], [5, 5, 0, 1, 0, 0, 0, 0, 0, 0])
  assert.deepEqual([...socks5Reply(0, at('10.0.0.7'))], [5, 0, 0, 1, 10, 0, 0, 7, 1, 187])
  assert.deepEqual([...socks5Reply(0, at('::1'))], [5, 0, 0, 4, ...Array<number>(15).fill(0), 1, 1, 187])
  assert.deepEqual([...socks4Reply(90, at('10.0.0.7'))], [0, 90, 1, 187, 10, 0, 0, 7])
  assert.deepEqual([...socks4Reply(90, at('::1'))], [0, 90, 0, 0, 0, 0, 0, 0])
})

describe('S3 heads of datagrams', () => {
  test('are read as they are written', () => {
    for (const address of ['10.0.0.7', '2001:db8::1']) {
      const head = socksDatagramHead(address, 5353)
      const read = readSocksDatagram(Buffer.concat([head, payload]))
      assert.ok(read !== null && typeof read === 'object')
      assert.deepEqual([read.port, read.end], [5353, head.length])
    }
  })

  test('fragments are dropped, and so is what is cut short', () => {
    const head = socksDatagramHead('10.0.0.7', 53)
    const fragment = Buffer.from(head)
    fragment[2] = 1
    assert.equal(readSocksDatagram(fragment), null)
    for (let length = 0; length < head.length; length++) assert.equal(readSocksDatagram(head.subarray(0, length)), null)
    assert.equal(readSocksDatagram(Buffer.from([0, 0, 0, 9, 1, 2, 3, 4, 5, 6])), null, 'of no known type')
  })
})
