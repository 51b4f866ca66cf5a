import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { connect } from 'node:tls'
import { createTurnpike } from '../../src/index.ts'
import { testCertificate } from '../support/certificates.ts'

test('TLS on a Unix socket: handshakes at the same time do not take each other for themselves', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-unix-'))
  const { certFile, keyFile } = testCertificate({ subject: 'a.test', names: ['DNS:a.test'] })
  const turnpike = await createTurnpike({
    listeners: {
      web: {
        address: `unix:${folder}/tls.sock`,
        door: 'gateway',
        tls: { certificates: [{ cert: certFile, key: keyFile }] },
      },
    },
    gateway: { routes: [{ name: 'ping', respond: { body: 'pong' } }] },
    admin: 'off',
    log: { access: 'off' },
  })
  t.after(async () => {
    await turnpike.stop()
    await rm(folder, { recursive: true })
  })
  const ask = async (n: number): Promise<string> => {
    const socket = connect({ path: `${folder}/tls.sock`, servername: 'a.test', rejectUnauthorized: false })
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.write(`GET /${n} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
    const ended = Promise.withResolvers<void>()
    socket.on('end', ended.resolve).on('error', ended.reject)
    await ended.promise
    socket.destroy()
    return text
  }
  const replies = await Promise.all(Array.from({ length: 16 }, (_, n) => ask(n)))
  for (const reply of replies) assert.match(reply, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\npong$/)
})
