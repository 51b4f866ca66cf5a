import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ClientHelloReader, type ClientHello, type ClientHelloResult } from '../../src/wire/client-hello.ts'
import { ja4 } from '../../src/wire/ja4.ts'
import { captureHello, reframed } from '../support/forward/capture-hello.ts'
import { chromium, helloClients } from '../support/forward/hello-clients.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { pieces } from './every-split.ts'

const read = (chunks: Iterable<Buffer>): ClientHelloResult => {
  const reader = new ClientHelloReader()
  let result: ClientHelloResult = 'more'
  for (const chunk of chunks) result = reader.read(chunk)
  return result
}

function helloOf(bytes: Buffer): ClientHello {
  const hello = read([bytes])
  assert.ok(typeof hello === 'object', 'it is read as one')
  return hello
}

/** Every split in two, every size of records, each of those byte by byte too, reads alike; and nothing less than all. */
function readsAlike(bytes: Buffer): void {
  const hello = helloOf(bytes)
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.deepEqual(read(pieces(bytes, [cut])), hello, `split at ${cut}`)
    assert.equal(read([bytes.subarray(0, cut)]), 'more', `cut off at ${cut}`)
  }
  for (let size = 1; size < bytes.length - 5; size++) {
    const records = reframed(bytes, size)
    assert.deepEqual(read([records]), hello, `records of ${size}`)
    assert.deepEqual(read(pieces(records, [size, size + 4])), hello, `records of ${size}, split`)
  }
  for (const size of [1, 60, 1000]) {
    const records = reframed(bytes, size)
    assert.deepEqual(read([...records].map((byte) => Buffer.from([byte]))), hello, `records of ${size}, byte by byte`)
  }
}

/** Whatever is altered, it is read or not, and nothing is thrown. */
function neverThrows(bytes: Buffer): void {
  const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(bytes.length), (changes, length) => {
      const altered = Buffer.from(bytes)
      for (const { at, to } of changes) altered[at] = to
      for (const result of [read([altered]), read([altered.subarray(0, length)])]) {
        if (typeof result === 'object') assert.match(ja4(result), /^t..[di]\d{4}.._[0-9a-f]{12}_[0-9a-f]{12}$/s)
      }
    }),
    { numRuns: 2000 },
  )
}

for (const { name, program, capture } of helloClients) {
  test(`T1 T2 T5 a hello of ${name} reads alike at every split and every size of records`, async (t) => {
    if (!requireProgram(t, program)) return
    const bytes = await capture(t)
    const { sni, alpn, version, outer } = helloOf(bytes)
    const expected = { sni: 'real.test', alpn: ['h2', 'http/1.1'], version: 0x0304, outer: false }
    assert.deepEqual({ sni, alpn, version, outer }, expected)
    assert.match(ja4(helloOf(bytes)), /^t13d\d{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$/)
    assert.equal(ja4(helloOf(await capture(t))), ja4(helloOf(bytes)), 'the same client has the same JA4')
    readsAlike(bytes)
    neverThrows(bytes)
  })
}

test('T2 a client that goes to an address names nobody', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const bytes = await captureHello((port) => ['openssl', 's_client', '-noservername', '-connect', `127.0.0.1:${port}`])
  assert.equal(helloOf(bytes).sni, '')
  assert.match(ja4(helloOf(bytes)), /^t13i\d{4}00_/)
})

test(
  'T1 T2 T3 T5 a post-quantum hello of Chromium, with GREASE and ECH GREASE, reads alike and has one JA4',
  { timeout: 60_000 },
  async (t) => {
    const { program, capture } = chromium
    if (!requireProgram(t, program)) return
    const bytes = await capture(t)
    const hello = helloOf(bytes)
    assert.equal(hello.sni, 'real.test')
    assert.deepEqual(hello.alpn, ['h2', 'http/1.1'])
    assert.equal(hello.version, 0x0304)
    assert.ok(hello.outer, 'GREASE ECH looks like ECH')
    assert.ok(bytes.length > 1500, `${bytes.length} bytes do not fit one packet`)
    // Behind record and message header, version, random, session and a length: its first cipher suite is GREASE.
    assert.match(bytes.toString('hex', 5 + 4 + 2 + 32 + 1 + 32 + 2, 80), /^(.a)\1/)
    assert.doesNotMatch(hello.ciphers.map((code) => code.toString(16)).join(), /\b(.a)\1\b/)
    const other = helloOf(await capture(t))
    assert.notDeepEqual(other.extensions, hello.extensions, 'it shuffles its extensions')
    assert.equal(ja4(other), ja4(hello))
    assert.match(ja4(hello), /^t13d\d{4}h2_/)
    readsAlike(bytes)
    neverThrows(bytes)
  },
)
