import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientHelloReader, type ClientHello, type ClientHelloResult } from './client-hello.ts'

const vector = (size: number, ...parts: (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  const length = Buffer.alloc(size)
  length.writeUIntBE(body.length, 0, size)
  return Buffer.concat([length, body])
}
const extension = (type: number, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, ...parts)])
const serverName = (...names: string[]): Buffer =>
  extension(0, vector(2, ...names.map((name) => Buffer.concat([Buffer.from([0]), vector(2, name)]))))
const alpn = (...names: string[]): Buffer => extension(16, vector(2, ...names.map((name) => vector(1, name))))
const grease = extension(0x1a1a, Buffer.from([0]))

function message(...extensions: Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 1)),
    vector(2, Buffer.from([0x2a, 0x2a, 0x13, 0x01])),
    vector(1, Buffer.from([0])),
    ...(extensions.length === 0 ? [] : [vector(2, ...extensions)]),
  ])
  return Buffer.concat([Buffer.from([1]), vector(3, body)])
}

function records(handshake: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < handshake.length; at += size) {
    parts.push(Buffer.from([22, 3, 1]), vector(2, handshake.subarray(at, at + size)))
  }
  return Buffer.concat(parts)
}

const read = (...chunks: Buffer[]): ClientHelloResult => {
  const reader = new ClientHelloReader()
  let result: ClientHelloResult = 'more'
  for (const chunk of chunks) result = reader.read(chunk)
  return result
}
/** Its name and protocols alone. */
const short = (result: ClientHelloResult): Pick<ClientHello, 'sni' | 'alpn'> | string =>
  typeof result === 'string' ? result : { sni: result.sni, alpn: result.alpn }
const sniOf = (...names: string[]): ReturnType<typeof short> =>
  short(read(records(message(serverName(...names)), 16_384)))
const codes = (...list: number[]): Buffer => Buffer.from(list.flatMap((code) => [code >> 8, code & 255]))

test('T1 T2 a hello gives its name and protocols, GREASE left out', () => {
  const hello = records(message(grease, serverName('Api.Example.COM.'), alpn('\x4a\x4a', 'h2', 'http/1.1')), 16_384)
  assert.deepEqual(read(hello), {
    sni: 'api.example.com',
    alpn: ['h2', 'http/1.1'],
    version: 0x0303,
    outer: false,
    ciphers: [0x1301],
    extensions: [0, 16],
    signatureAlgorithms: [],
  })
})

test('T2 T5 versions and signature algorithms come without GREASE; the highest version counts', () => {
  const versions = extension(43, vector(1, codes(0x3a3a, 0x0303, 0x0304, 0x0302)))
  const signatures = extension(13, vector(2, codes(0x0403, 0xdada, 0x0804)))
  const hello = read(records(message(signatures, versions), 16_384))
  assert.ok(typeof hello === 'object')
  assert.equal(hello.version, 0x0304)
  assert.deepEqual(hello.signatureAlgorithms, [0x0403, 0x0804])
  assert.deepEqual(hello.extensions, [13, 43])
})

const outerOf = (type: number): unknown => {
  const ech = extension(0xfe0d, Buffer.from([type, 0, 1, 0, 1, 7]), vector(2, Buffer.alloc(32)), vector(2, 'sealed'))
  const hello = read(records(message(serverName('cover.test'), ech), 16_384))
  return typeof hello === 'object' && [hello.sni, hello.outer]
}

test('T3 a hello with an Encrypted ClientHello says that its name is the outer one', () => {
  assert.deepEqual(outerOf(0), ['cover.test', true])
  assert.deepEqual(outerOf(1), ['cover.test', false])
})

test('T1 every split of the segments, and every size of the records, reads alike', () => {
  const whole = message(grease, serverName('a.test'), alpn('http/1.1'), extension(21, Buffer.alloc(60)))
  const expected = read(records(whole, 16_384))
  assert.deepEqual(short(expected), { sni: 'a.test', alpn: ['http/1.1'] })
  for (const size of [1, 2, 3, 5, 60, 100, 16_384]) {
    const bytes = records(whole, size)
    for (let at = 1; at < bytes.length; at++) {
      assert.deepEqual(read(bytes.subarray(0, at), bytes.subarray(at)), expected, `records of ${size}, split at ${at}`)
      assert.equal(read(bytes.subarray(0, at)), 'more', `records of ${size}, cut at ${at}`)
    }
    assert.deepEqual(read(...[...bytes].map((byte) => Buffer.from([byte]))), expected)
  }
})

const padded = (bytes: number): ReturnType<typeof short> =>
  short(read(records(message(serverName('a.test'), extension(21, Buffer.alloc(bytes))), 4096)))

test('T1 a hello as large as a post-quantum one and more is read, up to 16 KiB', () => {
  assert.deepEqual(padded(1600), { sni: 'a.test', alpn: [] })
  assert.deepEqual(padded(16_000), { sni: 'a.test', alpn: [] })
  assert.equal(padded(16_384), 'other')
})

test('T2 what is no name is none: an address, an empty label, a control byte', () => {
  for (const name of ['127.0.0.1', '10.1', '::1', '[::1]', 'a..b', '.a', 'a b', 'a\0.test', '*.a.test', '']) {
    assert.deepEqual(sniOf(name), { sni: '', alpn: [] }, JSON.stringify(name))
  }
  assert.deepEqual(sniOf('xn--mnchen-3ya.test'), { sni: 'xn--mnchen-3ya.test', alpn: [] })
})

test('no extensions at all is a hello without a name', () => {
  assert.deepEqual(short(read(records(message(), 16_384))), { sni: '', alpn: [] })
})

test('T1 anything else is told apart at once', () => {
  assert.equal(read(Buffer.from('GET / HTTP/1.1\r\n')), 'other')
  assert.equal(read(Buffer.from([22, 3, 1, 0, 0])), 'other')
  assert.equal(read(Buffer.from([22, 3, 1, 0xff, 0xff])), 'other')
  assert.equal(read(Buffer.from([21, 3, 1, 0, 2, 2, 80])), 'other')
  assert.equal(read(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), 'other', 'a ServerHello')
  assert.equal(sniOf('a.test', 'b.test'), 'other', 'two names')
  for (const twice of [serverName('a.test'), grease]) {
    assert.equal(read(records(message(twice, twice), 16_384)), 'other', 'an extension twice')
  }
  assert.equal(read(records(message(extension(43, vector(1, Buffer.from([3])))), 16_384)), 'other', 'half a version')
  assert.equal(read(records(message(extension(13, Buffer.from([0, 8, 4, 3]))), 16_384)), 'other', 'a list too long')
})

test('a hello with any byte altered or cut short never throws', () => {
  const bytes = records(message(serverName('a.test'), alpn('http/1.1')), 16_384)
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 127, 255]) {
      const altered = Buffer.from(bytes)
      altered[at] = value
      const result = read(altered)
      assert.ok(result === 'more' || result === 'other' || typeof result.sni === 'string')
    }
  }
})
