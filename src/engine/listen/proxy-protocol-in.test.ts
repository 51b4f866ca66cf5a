import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { testCertificate } from '../../../test/support/certificates.ts'
import { requireProgram } from '../../../test/support/peers/require-program.ts'
import { tlsListener, type TlsListener } from '../../../test/support/tls-listener.ts'
import { TurnpikeError } from '../../core/error.ts'
import { Session } from '../session.ts'

const v1 = 'PROXY TCP4 198.51.100.7 203.0.113.1 54321 443\r\n'
const v2 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2121', 'hex'),
  Buffer.from([0, 36]),
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0xd4, 0x31, 1, 187]),
]).toString('latin1')
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex').toString('latin1')

/** Sends the parts one by one, each after the last has left; what comes back. */
async function talk(listener: TlsListener, ...parts: string[]): Promise<string> {
  const socket = connectPlain({ port: listener.port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, 'latin1', resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  await once(socket, 'close')
  return text
}

const from = ['127.0.0.0/8']

test('a listed peer gives the client, in version 1 and 2; LOCAL gives the peer itself', async (t) => {
  const listener = await tlsListener(t, { tls: null, proxyFrom: from })
  assert.equal(await talk(listener, `${v1}hello`), 'hello')
  assert.equal(await talk(listener, `${v2}hello`), 'hello')
  assert.equal(await talk(listener, `${local}hello`), 'hello')
  assert.equal(await talk(listener, ...v1.split(/(?=.)/s), 'hello'), 'hello')
  assert.deepEqual(
    listener.sessions.map((session) => [session.clientAddress, session.peerAddress]),
    [
      ['198.51.100.7', '127.0.0.1'],
      ['2001:db8::7', '127.0.0.1'],
      ['127.0.0.1', '127.0.0.1'],
      ['198.51.100.7', '127.0.0.1'],
    ],
  )
  assert.equal(listener.sessions[0]?.clientPort, 54_321)
})

test('a listed peer without a header, with half of one, or with a bad one is closed', async (t) => {
  const listener = await tlsListener(t, { tls: null, proxyFrom: from })
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'PROXY TCP4 198.51', 'PROXY TCP4 x y 1 2\r\n', v2.slice(0, 20)]) {
    const next = listener.next()
    assert.equal(await talk(listener, bytes), '')
    const error = await next
    assert.equal(error instanceof TurnpikeError && error.code, 'ERR_PROXY_PROTOCOL', bytes)
  }
  assert.equal(listener.sessions.length, 0)
  assert.equal(listener.ledger.count('clientSockets'), 0)
})

test('H25 a header that does not come is bounded by timer head', async (t) => {
  const listener = await tlsListener(t, { tls: null, proxyFrom: from, headerMs: 40 })
  const next = listener.next()
  const socket = connectPlain({ port: listener.port, host: '127.0.0.1' })
  socket.write('PROXY ')
  socket.resume()
  const error = await next
  assert.ok(error instanceof TurnpikeError)
  assert.equal(error.code, 'ERR_PROXY_PROTOCOL')
  assert.match(error.message, /timer: head/)
  await once(socket, 'close')
})

test('a peer that is not listed is not believed: its header is its first bytes', async (t) => {
  const listener = await tlsListener(t, { tls: null, proxyFrom: ['10.0.0.0/8'] })
  assert.equal(await talk(listener, `${v1}hello`), `${v1}hello`)
  assert.equal(listener.sessions[0]?.clientAddress, '127.0.0.1')
})

test('the header comes before TLS', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const certificate = testCertificate({ subject: 'a.test' })
  const listener = await tlsListener(t, { tls: { certificates: [certificate], clientAuth: null }, proxyFrom: from })
  const wire = connectPlain({ port: listener.port, host: '127.0.0.1' })
  wire.write(v1)
  const next = listener.next()
  const socket = connect({ socket: wire, servername: 'a.test', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const session = await next
  assert.ok(session instanceof Session)
  assert.deepEqual([session.clientAddress, session.tls?.sni, session.scheme], ['198.51.100.7', 'a.test', 'https'])
  socket.destroy()
})
