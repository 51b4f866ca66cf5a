import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { testCertificate, type TestCertificate } from '../../../test/support/certificates.ts'
import { requireProgram } from '../../../test/support/peers/require-program.ts'
import { tlsListener, type TlsListener } from '../../../test/support/tls-listener.ts'
import { TurnpikeError } from '../../core/error.ts'
import { SharedStates } from '../shared-states.ts'

const certificateA = (): TestCertificate =>
  testCertificate({ subject: 'a.test', names: ['DNS:a.test', 'DNS:*.a.test'] })
const namesOfA = 'a.test *.a.test'
const certificateB = (): TestCertificate => testCertificate({ subject: 'b.test' })
const authority = (): TestCertificate => testCertificate({ subject: 'Test authority', authority: true })

/** A handshake, a byte there and back, and the end; what the client saw. */
async function visit(
  listener: TlsListener,
  options: ConnectionOptions,
): Promise<{ alpn: string | false | null; subject: string; reused: boolean }> {
  const socket = connect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  socket.write('x')
  // A client of 1.3 is done before the server has looked at its certificate.
  const refused = once(socket, 'close').then(() => Promise.reject(new Error('closed')))
  await Promise.race([once(socket, 'data'), refused])
  refused.catch(() => {})
  const subject = String(socket.getPeerCertificate().subject?.CN)
  const seen = { alpn: socket.alpnProtocol, subject, reused: socket.isSessionReused() }
  socket.end()
  socket.resume()
  await once(socket, 'close')
  return seen
}

test('certificates are chosen by SNI: exact, wildcard for one label, the first by default', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA(), certificateB()], clientAuth: null } })
  const subjectFor = async (servername: string): Promise<string> => (await visit(listener, { servername })).subject
  assert.equal(await subjectFor('a.test'), 'a.test')
  assert.equal(await subjectFor('b.test'), 'b.test')
  assert.equal(await subjectFor('x.a.test'), 'a.test')
  assert.equal(await subjectFor('x.y.a.test'), 'a.test', 'the default')
  assert.equal(await subjectFor(''), 'a.test', 'the default')
  assert.equal(await subjectFor('x.b.test'), 'a.test', 'no wildcard for b')
  assert.deepEqual(
    listener.sessions.map((session) => [session.tls?.sni, session.tls?.domain, session.tls?.version]),
    [
      ['a.test', namesOfA, 'TLSv1.3'],
      ['b.test', 'b.test', 'TLSv1.3'],
      ['x.a.test', namesOfA, 'TLSv1.3'],
      ['x.y.a.test', namesOfA, 'TLSv1.3'],
      ['', namesOfA, 'TLSv1.3'],
      ['x.b.test', namesOfA, 'TLSv1.3'],
    ],
  )
  await listener.close()
  assert.equal(listener.ledger.count('clientSockets'), 0)
  assert.equal(listener.ledger.count('timers'), 0)
  assert.equal(listener.ledger.count('sharedStates'), 0)
})

test('H26 the trust domain of a host is the one whose certificate would serve it', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA(), certificateB()], clientAuth: null } })
  const hosts = ['a.test', 'x.a.test', 'b.test', 'c.test', '']
  const served = (sni: string, domain: string): string[] =>
    hosts.filter((host) => listener.tls!.serves({ sni, domain }, host))
  assert.deepEqual(served('a.test', namesOfA), ['a.test', 'x.a.test', 'c.test', ''])
  assert.deepEqual(served('b.test', 'b.test'), ['b.test'])
  assert.deepEqual(served('c.test', namesOfA), ['a.test', 'x.a.test', 'c.test', ''])
  // Shaken hands with by a certificate that was the first before.
  assert.deepEqual(served('', 'old.test'), ['c.test', ''])
  assert.deepEqual(served('b.test', 'old.test'), [])
  await listener.close()
})

test('ALPN agrees on http/1.1; a client that speaks only something else is refused', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA()], clientAuth: null } })
  assert.equal((await visit(listener, { ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1')
  const next = listener.next()
  await assert.rejects(visit(listener, { ALPNProtocols: ['h2'] }), {
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  })
  assert.equal(codeOf(await next), 'ERR_TLS_CLIENT')
  await listener.close()
})

test('minVersion 1.3 refuses 1.2', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, {
    tls: { certificates: [certificateA()], clientAuth: null, minVersion: '1.3' },
  })
  await assert.rejects(visit(listener, { maxVersion: 'TLSv1.2' }), { code: /ALERT_PROTOCOL_VERSION/ })
  assert.equal((await visit(listener, {})).subject, 'a.test')
  await listener.close()
})

test('client certificates: required, or requested; an invalid one is refused either way', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const ca = authority()
  const good = testCertificate({ subject: '/O=Acme, Inc/CN=client', issuer: ca })
  const bad = testCertificate({ subject: 'stranger' })
  const certificates = [certificateA()]
  for (const mode of ['require', 'request'] as const) {
    const listener = await tlsListener(t, { tls: { certificates, clientAuth: { ca: ca.cert, mode } } })
    const outcome = async (options: ConnectionOptions): Promise<string> => {
      const next = listener.next()
      await visit(listener, options).catch(() => {})
      const result = await next
      return result instanceof TurnpikeError ? result.code : `as ${result.tls?.clientCertificate}`
    }
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.equal(await outcome({ maxVersion, cert: good.cert, key: good.key }), 'as CN=client,O=Acme\\, Inc')
      assert.equal(await outcome({ maxVersion, cert: bad.cert, key: bad.key }), 'ERR_TLS_CLIENT')
      assert.equal(await outcome({ maxVersion }), mode === 'require' ? 'ERR_TLS_CLIENT' : 'as ')
    }
    await listener.close()
    assert.equal(listener.ledger.count('clientSockets'), 0)
  }
})

test('T10 a session resumes on its own name alone, with 1.2 and with 1.3', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const listener = await tlsListener(t, { tls: { certificates: [certificateA(), certificateB()], clientAuth: null } })
  for (const version of ['-tls1_2', '-tls1_3']) {
    const session = join(folder, version)
    assert.equal(await sClient(listener.port, version, '-servername', 'a.test', '-sess_out', session), 'New a.test')
    const resume = (...name: string[]): Promise<string> => sClient(listener.port, version, ...name, '-sess_in', session)
    assert.equal(await resume('-servername', 'a.test'), 'Reused a.test')
    assert.equal(await resume('-servername', 'x.a.test'), 'Reused a.test', 'one certificate is one domain')
    assert.equal(await resume('-servername', 'b.test'), 'New b.test')
  }
  await listener.close()
})

test('T10 a session made without a client certificate does not resume where one is required', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const states = new SharedStates()
  const certificates = [certificateA()]
  const open = await tlsListener(t, { tls: { certificates, clientAuth: null }, states })
  const closed = await tlsListener(t, {
    tls: { certificates, clientAuth: { ca: authority().cert, mode: 'require' } },
    states,
  })
  for (const version of ['-tls1_2', '-tls1_3']) {
    const session = join(folder, version)
    assert.equal(await sClient(open.port, version, '-sess_out', session), 'New a.test')
    const next = closed.next()
    const seen = await sClient(closed.port, version, '-sess_in', session)
    assert.doesNotMatch(seen, /Reused/)
    assert.equal(codeOf(await next), 'ERR_TLS_CLIENT')
  }
  await open.close()
  await closed.close()
})

test('T10 a certificate that a reload leaves alone keeps its sessions', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const states = new SharedStates()
  const before = await tlsListener(t, { tls: { certificates: [certificateA()], clientAuth: null }, states })
  const session = join(folder, 'session')
  await sClient(before.port, '-tls1_3', '-servername', 'a.test', '-sess_out', session)
  const after = await tlsListener(t, {
    tls: { certificates: [certificateB(), certificateA()], clientAuth: null },
    states,
  })
  await before.close()
  assert.equal(await sClient(after.port, '-tls1_3', '-servername', 'a.test', '-sess_in', session), 'Reused a.test')
  await after.close()
})

test('T11 a resumed 1.2 session has its name', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA(), certificateB()], clientAuth: null } })
  let session: Buffer | undefined
  const socket = connect({
    port: listener.port,
    host: '127.0.0.1',
    servername: 'b.test',
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  })
  socket.on('session', (made: Buffer) => (session = made))
  await once(socket, 'secureConnect')
  socket.end('x')
  socket.resume()
  await once(socket, 'close')
  const resumed = await visit(listener, { servername: 'b.test', maxVersion: 'TLSv1.2', session })
  assert.equal(resumed.reused, true)
  assert.deepEqual(
    listener.sessions.map((seen) => [seen.tls?.sni, seen.tls?.domain]),
    [
      ['b.test', 'b.test'],
      ['b.test', 'b.test'],
    ],
  )
  await listener.close()
})

test('T1 a hello that comes byte by byte is read, and none of it is lost', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA(), certificateB()], clientAuth: null } })
  const wire = connectPlain({ port: listener.port, host: '127.0.0.1', noDelay: true })
  const next = listener.next()
  await once(slowly(wire), 'secureConnect')
  await next
  assert.equal(listener.sessions[0]?.tls?.sni, 'b.test')
  wire.destroy()
  await listener.close()
})

test('the tls timer ends a handshake that does not come to its end', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const tls = { certificates: [certificateA()], clientAuth: null }
  const listener = await tlsListener(t, { tls, handshakeMs: 60 })
  for (const bytes of ['', '\x16\x03\x01', '\x16\x03\x01\x02\x00\x01']) {
    const next = listener.next()
    const socket = connectPlain({ port: listener.port, host: '127.0.0.1' })
    socket.write(bytes, 'latin1')
    socket.resume()
    const error = await next
    assert.ok(error instanceof TurnpikeError)
    assert.match(error.message, /timer: tls/)
    await once(socket, 'close')
  }
  await listener.close()
  assert.equal(listener.ledger.count('clientSockets'), 0)
})

test('W13 plain HTTP, rubbish and resets on a TLS port end that connection alone', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const listener = await tlsListener(t, { tls: { certificates: [certificateA()], clientAuth: null } })
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\0'.repeat(600)]) {
    const next = listener.next()
    const socket = connectPlain({ port: listener.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.write(bytes, 'latin1')
    socket.resume()
    assert.equal(codeOf(await next), 'ERR_TLS_CLIENT')
    await once(socket, 'close')
  }
  for (const bytes of ['', '\x16\x03\x01']) {
    const next = listener.next()
    const socket = connectPlain({ port: listener.port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.write(bytes, 'latin1', () => socket.resetAndDestroy())
    assert.equal(codeOf(await next), 'ERR_CLIENT_ABORT')
  }
  assert.equal((await visit(listener, {})).subject, 'a.test')
  await listener.close()
  assert.equal(listener.ledger.count('clientSockets'), 0)
})

test('a key that does not belong to its certificate is told before anything listens', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const mixed = { ...certificateA(), key: certificateB().key, label: 'a.pem' }
  await assert.rejects(tlsListener(t, { tls: { certificates: [mixed], clientAuth: null } }), {
    code: 'ERR_CONFIG_INVALID',
    message: 'Certificate a.pem: the key does not belong to the certificate.',
  })
})

function codeOf(outcome: unknown): string {
  return outcome instanceof TurnpikeError ? outcome.code : 'none'
}

/** A TLS client whose first 300 bytes leave one at a time. */
function slowly(wire: ReturnType<typeof connectPlain>): TLSSocket {
  const write = wire.write.bind(wire)
  const slow = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      let at = 0
      const next = (): void => {
        if (at >= Math.min(300, chunk.length)) {
          write(chunk.subarray(at))
          return done()
        }
        write(chunk.subarray(at, ++at))
        setImmediate(next)
      }
      next()
    },
  })
  wire.on('data', (chunk) => slow.push(chunk))
  return connect({ socket: slow, servername: 'b.test', rejectUnauthorized: false })
}

/** What `openssl s_client` says: `New` or `Reused`, and the common name. */
async function sClient(port: number, ...options: string[]): Promise<string> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...options])
  let text = ''
  client.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    // An answer means that 1.3's tickets, which the server sends after its Finished, have come before it.
    if (text.includes('\nhello\n')) client.stdin.end('Q\n')
  })
  client.stdin.on('error', () => {})
  client.stdin.write('hello\n')
  await once(client, 'close')
  const how = /^(New|Reused), TLS/m.exec(text)?.[1] ?? 'Refused'
  return `${how} ${/^subject=.*CN ?= ?(.*)$/m.exec(text)?.[1] ?? ''}`
}
