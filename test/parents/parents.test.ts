import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { testCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { portOf } from '../support/peers/free-port.ts'
import { startDante, startMicrosocks, startSquid, startTinyproxy, startTlsParent } from '../support/peers/parents.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { get } from '../support/raw-client.ts'
import { serveRaw } from './serve-raw.ts'

type Parents = NonNullable<ConfigInput['parents']>

const login = { username: 'alice', password: 'sesame' }

function writeTemporary(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-parents-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ca.pem'), text)
  return join(folder, 'ca.pem')
}

/** Asks twice through a gateway whose upstream is behind these parents; the second time on the kept connection. */
async function through(t: TestContext, parents: Parents, to: string, upstream: object = {}) {
  const gateway = await startGateway(t, {
    to: [to],
    upstream: { parent: Object.keys(parents), timeouts: { connect: '5s' }, ...upstream },
    config: { parents },
  })
  const client = await gateway.connect()
  for (let time = 0; time < 2; time++) {
    client.send(get())
    const reply = await client.reply()
    assert.equal(reply.status, 200, reply.body)
    assert.equal(reply.body, 'hello')
  }
  const lines = await gateway.logged(2)
  assert.deepEqual(
    lines.map(({ reused }) => reused),
    [false, true],
  )
  return gateway
}

/** What is asked once, and fails. */
async function failing(t: TestContext, parents: Parents, to = 'http://127.0.0.1:9') {
  const gateway = await startGateway(t, {
    to: [to],
    upstream: { parent: Object.keys(parents), timeouts: { connect: '500ms' } },
    config: { parents },
  })
  const client = await gateway.connect()
  client.send(get())
  const { status } = await client.reply()
  const [line] = await gateway.logged(1)
  return { status, cause: line!.cause, phase: line!.phase }
}

describe('an upstream behind a parent', () => {
  test('tinyproxy, with a password', async (t) => {
    if (!requireProgram(t, 'tinyproxy')) return
    const origin = await startOrigin(t)
    const proxy = await startTinyproxy(t, login)
    await through(t, { p: { url: `http://127.0.0.1:${proxy.port}`, ...login } }, origin.url)
    assert.ok(proxy.accessLog().some((line) => line.includes(`CONNECT 127.0.0.1:${origin.port}`)))
  })

  test('Squid', async (t) => {
    if (!requireProgram(t, 'squid')) return
    const origin = await startOrigin(t)
    const proxy = await startSquid(t)
    await through(t, { p: { url: `http://127.0.0.1:${proxy.port}` } }, origin.url)
  })

  test('microsocks, with a password; the name is resolved there', async (t) => {
    if (!requireProgram(t, 'microsocks')) return
    const origin = await startOrigin(t)
    const proxy = await startMicrosocks(t, login)
    await through(t, { p: { url: `socks5://127.0.0.1:${proxy.port}`, ...login } }, `http://localhost:${origin.port}`)
  })

  for (const scheme of ['socks4', 'socks5']) {
    test(`Dante by ${scheme}`, async (t) => {
      if (!requireProgram(t, 'danted')) return
      const origin = await startOrigin(t)
      const proxy = await startDante(t)
      await through(t, { p: { url: `${scheme}://127.0.0.1:${proxy.port}` } }, origin.url)
    })
  }

  test('a chain: Squid, microsocks, tinyproxy, Dante', async (t) => {
    for (const program of ['squid', 'microsocks', 'tinyproxy', 'danted']) if (!requireProgram(t, program)) return
    const origin = await startOrigin(t)
    const [squid, microsocks, tinyproxy, dante] = await Promise.all([
      startSquid(t),
      startMicrosocks(t, login),
      startTinyproxy(t, login),
      startDante(t),
    ])
    await through(
      t,
      {
        first: { url: `http://127.0.0.1:${squid.port}` },
        second: { url: `socks5://127.0.0.1:${microsocks.port}`, ...login },
        third: { url: `http://127.0.0.1:${tinyproxy.port}`, ...login },
        fourth: { url: `socks4://127.0.0.1:${dante.port}` },
      },
      origin.url,
    )
    // Squid logs a tunnel when it ends; the third one names the fourth.
    assert.ok(tinyproxy.accessLog().some((line) => line.includes(`CONNECT 127.0.0.1:${dante.port}`)))
  })

  test('TLS to the parent, TLS to the endpoint within it', async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const material = testCertificate({ subject: 'localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] })
    const origin = createServer(material, (_, response) => response.end('hello'))
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    t.after(() => {
      origin.closeAllConnections()
      origin.close()
    })
    const port = await startTlsParent(t, material)
    const ca = writeTemporary(t, material.cert)
    const parent = { url: `https://127.0.0.1:${port}`, tls: { ca } }
    await through(t, { p: parent }, `https://localhost:${portOf(origin)}`, { tls: { ca } })
    const plain = await startOrigin(t)
    await through(t, { p: parent }, plain.url)
  })

  test('what is excepted goes straight', async (t) => {
    const origin = await startOrigin(t)
    await through(t, { p: { url: 'http://127.0.0.1:9', except: ['127.0.0.0/8'] } }, origin.url)
  })
})

describe('a parent that fails says so, at each phase', () => {
  test('nobody there', async (t) => {
    assert.deepEqual(await failing(t, { p: { url: 'socks5://127.0.0.1:9' } }), {
      status: 502,
      cause: 'ERR_CONNECT_REFUSED',
      phase: 'dial',
    })
  })

  test('no password, and a wrong one', async (t) => {
    if (!requireProgram(t, 'tinyproxy') || !requireProgram(t, 'microsocks')) return
    const proxy = await startTinyproxy(t, login)
    const socks = await startMicrosocks(t, login)
    for (const parent of [
      { url: `http://127.0.0.1:${proxy.port}` },
      { url: `http://127.0.0.1:${proxy.port}`, username: 'alice', password: 'wrong' },
      { url: `socks5://127.0.0.1:${socks.port}` },
      { url: `socks5://127.0.0.1:${socks.port}`, username: 'alice', password: 'wrong' },
    ]) {
      const { status, cause } = await failing(t, { p: parent })
      assert.equal(status, 502)
      // tinyproxy answers 401 where the login is wrong.
      assert.match(String(cause), /^ERR_PARENT_(?:AUTH|REFUSED)$/, JSON.stringify(parent))
    }
  })

  test('Squid lets CONNECT through to 443 alone', async (t) => {
    if (!requireProgram(t, 'squid')) return
    const proxy = await startSquid(t, { anyPort: false })
    const outcome = await failing(t, { p: { url: `http://127.0.0.1:${proxy.port}` } })
    assert.deepEqual(outcome, { status: 502, cause: 'ERR_PARENT_REFUSED', phase: 'dial' })
  })

  const broken: [what: string, says: string, cause: string][] = [
    ['speaks something else', 'SSH-2.0-x\r\n', 'ERR_PARENT_PROTOCOL'],
    ['hangs up', '', 'ERR_PARENT_PROTOCOL'],
    ['cuts its answer', 'HTTP/1.1 200', 'ERR_PARENT_PROTOCOL'],
  ]
  for (const [what, says, cause] of broken) {
    test(`one that ${what}`, async (t) => {
      const port = await serveRaw(t, (socket) => {
        socket.once('data', () => socket.end(says))
      })
      assert.equal((await failing(t, { p: { url: `http://127.0.0.1:${port}` } })).cause, cause)
    })
  }

  test('one that resets, and one that says nothing', async (t) => {
    const resets = await serveRaw(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    assert.equal((await failing(t, { p: { url: `socks5://127.0.0.1:${resets}` } })).cause, 'ERR_PARENT_PROTOCOL')
    const mute = await serveRaw(t, (socket) => socket.resume())
    assert.equal((await failing(t, { p: { url: `socks5://127.0.0.1:${mute}` } })).cause, 'ERR_CONNECT_TIMEOUT')
  })

  test('an answer that comes before its question', async (t) => {
    const port = await serveRaw(t, (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    })
    assert.equal((await failing(t, { p: { url: `http://127.0.0.1:${port}` } })).cause, 'ERR_PARENT_PROTOCOL')
  })
})
