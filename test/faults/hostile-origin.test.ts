import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { startChildGateway } from '../support/child-gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { ask, connectRaw, get } from '../support/raw-client.ts'

const head = 'HTTP/1.1 200 OK\r\n'

/** What a broken or hostile endpoint sends, and the cause that the client and the log are told. */
const floods: [name: string, bytes: string | Buffer, cause: string][] = [
  ['noise', Buffer.concat([Buffer.from([0xff, 0, 1]), randomBytes(100_000)]), 'ERR_UPSTREAM_HEAD'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'ERR_UPSTREAM_HEAD'],
  ['a thousand interim replies', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000), 'ERR_UPSTREAM_HEAD'],
  ['a giant field', `${head}X: ${'x'.repeat(10_000_000)}`, 'ERR_UPSTREAM_HEAD_SIZE'],
  ['a hundred thousand fields', `${head}${'X: 1\r\n'.repeat(100_000)}`, 'ERR_UPSTREAM_HEAD_SIZE'],
  ['a giant reason', `HTTP/1.1 200 ${'x'.repeat(10_000_000)}`, 'ERR_UPSTREAM_HEAD_SIZE'],
  ['a length beyond counting', `${head}Content-Length: 99999999999999999999\r\n\r\n`, 'ERR_UPSTREAM_FRAMING'],
]

/** The same after a head that stood: the reply is cut. */
const broken: [name: string, bytes: string, cause: string][] = [
  ['a chunk size that overflows', 'fffffffffffffffff\r\n', 'ERR_UPSTREAM_CHUNK'],
  ['a chunk size that is no number', '0x10\r\n', 'ERR_UPSTREAM_CHUNK'],
  ['an endless chunk extension', `1;${'x'.repeat(1_000_000)}`, 'ERR_UPSTREAM_CHUNK'],
  ['chunk data without its end', '3\r\nabcdef\r\n', 'ERR_UPSTREAM_CHUNK'],
  ['endless trailers', `0\r\n${'X: 1\r\n'.repeat(10_000)}`, 'ERR_UPSTREAM_CHUNK'],
]

test('H20 what a hostile endpoint sends is a 502 with its cause, or a cut reply, and never the end of the process', async (t) => {
  const next: { bytes: Buffer } = { bytes: Buffer.alloc(0) }
  const origin = await startOrigin(t, async (connection) => {
    // Whatever is left of its connection when it is given up.
    await connection.until(({ text }) => text.includes('\r\n\r\n'), 'a head')
    connection.send(next.bytes)
  })
  const gateway = await startChildGateway(t, { to: origin.url })
  const settled = async (count: number): Promise<void> => {
    while (gateway.log.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const [at, [name, bytes, cause]] of floods.entries()) {
    next.bytes = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const reply = await ask(gateway.port, get())
    assert.equal(reply.status, 502, name)
    assert.match(reply.field('proxy-status')!, new RegExp(`details="${cause}"`), name)
    await settled(at + 1)
    assert.deepEqual([gateway.log[at]!.status, gateway.log[at]!.cause], [502, cause], name)
  }
  for (const [at, [name, bytes, cause]] of broken.entries()) {
    next.bytes = Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${bytes}`, 'latin1')
    const client = await connectRaw(gateway.port)
    client.send(get())
    await client.until(({ closed }) => closed, 'the cut')
    assert.equal(client.error?.code, 'ECONNRESET', name)
    await settled(floods.length + at + 1)
    assert.equal(gateway.log.at(-1)!.cause, cause, name)
  }
  assert.ok(gateway.alive())
  assert.equal(gateway.said().trim().split('\n').length, 1, gateway.said())
  assert.ok(gateway.peakMb() < 150, `${gateway.peakMb()} MB`)
})
