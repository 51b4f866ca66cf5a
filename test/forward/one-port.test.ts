import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { once } from 'node:events'
import { testCertificate } from '../support/certificates.ts'
import { greeting, request, request4 } from '../support/forward/socks-messages.ts'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { RawPeer } from '../support/raw-peer.ts'

function curl(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  return new Promise((resolve) => {
    execFile('curl', ['-sS', '--max-time', '5', '--noproxy', '', ...args], (error, out, errors) =>
      resolve({ code: Number(error?.code ?? 0), out, errors }),
    )
  })
}

async function rest(peer: RawPeer): Promise<string> {
  await peer.until(({ ended, closed }) => ended || closed, 'the end')
  return peer.text
}

describe('one port', () => {
  test('understands HTTP, CONNECT, SOCKS and TLS by the first byte', async (t) => {
    if (!requireProgram(t, 'curl') || !requireProgram(t, 'openssl')) return
    const own = testCertificate({ subject: 'localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] })
    const other = testCertificate({ subject: 'other.test', names: ['DNS:other.test'] })
    const certificates = [other, own].map(({ certFile, keyFile }) => ({ cert: certFile, key: keyFile }))
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {}, { listener: { tls: { certificates } } })
    const to = `http://127.0.0.1:${origin.port}/`
    const [plain, secured] = [`http://127.0.0.1:${proxy.port}`, `https://localhost:${proxy.port}`]
    const trust = ['--proxy-cacert', own.certFile]
    for (const args of [
      ['-x', plain],
      ['-x', plain, '-p'],
      ['--socks5', `127.0.0.1:${proxy.port}`],
      ['--socks4a', `127.0.0.1:${proxy.port}`],
      ['-x', secured, ...trust],
      ['-x', secured, '-p', ...trust],
    ]) {
      const { out, errors } = await curl(...args, to)
      assert.equal(out, 'hello', `${args.join(' ')}: ${errors}`)
    }
    const log = await proxy.logged(6)
    assert.deepEqual(
      log.map(({ method }) => method),
      ['GET', 'CONNECT', 'CONNECT', 'CONNECT', 'GET', 'CONNECT'],
    )
  })

  test('understands SOCKS within TLS, its bytes glued to the handshake', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const { cert, certFile, keyFile } = testCertificate({ subject: 'localhost', names: ['DNS:localhost'] })
    const origin = await startOrigin(t)
    const proxy = await startForward(t, {}, { listener: { tls: { certificates: [{ cert: certFile, key: keyFile }] } } })
    const socket = connectTls({ port: proxy.port, host: '127.0.0.1', servername: 'localhost', ca: cert })
    const client = new RawPeer(socket)
    t.after(() => socket.destroy())
    client.send(
      Buffer.concat([
        greeting(0),
        request('127.0.0.1', origin.port),
        Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'),
      ]),
    )
    await client.until(({ text }) => text.endsWith('hello'), 'the reply')
    client.end()
    const [line] = await proxy.logged(1)
    assert.equal(line?.protocol, 'SOCKS5')
    // TLS within TLS is nothing that a proxy is asked in.
    const outer = connectTls({ port: proxy.port, host: '127.0.0.1', servername: 'localhost', ca: cert })
    await once(outer, 'secureConnect')
    const twice = new RawPeer(outer)
    twice.send(Buffer.from([0x16, 3, 1, 0, 1, 1]))
    assert.equal(await rest(twice), '\x15\x03\x01\x00\x02\x02\x28')
  })

  test('ends TLS by an alert where it is not spoken, and what is nothing by 400', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const proxy = await startForward(t)
    const out = await new Promise<string>((resolve) => {
      const args = ['s_client', '-connect', `127.0.0.1:${proxy.port}`]
      execFile('openssl', args, { timeout: 5_000 }, (_error, stdout, stderr) => resolve(stdout + stderr)).stdin!.end()
    })
    assert.match(out, /handshake failure/)
    const client = await proxy.connect()
    client.send(Buffer.from([1, 2, 3, 13, 10, 13, 10]))
    assert.equal((await client.reply()).status, 400)
  })

  test('turns away whom it does not serve, each in the words of its protocol', async (t) => {
    const proxy = await startForward(t, {}, { listener: { auth: 'off', allowFrom: ['192.0.2.0/24'] } })
    const answers: [bytes: Buffer | string, answer: RegExp | string][] = [
      ['GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', /^HTTP\/1\.1 403 [^]*Proxy-Status: [^]*ERR_IP_DENIED/],
      ['CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n', /^HTTP\/1\.1 403 /],
      [greeting(0, 2), '\x05\xff'],
      [request4('127.0.0.1', 80), '\0\x5b\0\0\0\0\0\0'],
      [Buffer.from([0x16, 3, 1, 0, 1, 1]), '\x15\x03\x01\x00\x02\x02\x28'],
    ]
    for (const [bytes, answer] of answers) {
      const client = await proxy.connect()
      client.send(bytes)
      if (typeof answer === 'string') assert.equal(await rest(client), answer)
      else assert.match(await rest(client), answer)
    }
    assert.equal(proxy.turnpike.services.ledger.snapshot().dials.total, 0)
  })

  test('a drain closes connections that have not asked for anything', async (t) => {
    const proxy = await startForward(t)
    const [mute, greeted] = [await proxy.connect(), await proxy.connect()]
    greeted.send(greeting(0))
    await greeted.until(({ text }) => text.length === 2, 'the method')
    await proxy.when(() => proxy.count('clientSockets') === 2, 'both connections')
    await proxy.turnpike.stop(5_000)
    await Promise.all([mute.over(), greeted.over()])
    assert.equal(proxy.count('clientSockets'), 0)
  })
})
