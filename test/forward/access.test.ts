import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { basicCredentials } from '../../src/core/basic-credentials.ts'
import { testCertificate } from '../support/certificates.ts'
import { connectHead, takeGrant } from '../support/forward/open-tunnel.ts'
import { plainRequest } from '../support/forward/plain-request.ts'
import { startForward } from '../support/forward/start-forward.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { RawPeer } from '../support/raw-peer.ts'

const run = promisify(execFile)

// `open sesame`, at the least cost that there is.
const hash = '$2b$04$AlpwiwFvTkO5ajqdBudaRel1WVx8J4zQ6/OCCbdDdGPDVWVFtd6Q2'
const users = { alice: 'plain pass:word', bob: hash }
const challenge = 'Basic realm="Egress", charset="UTF-8"'

function startLockedProxy(t: TestContext): Promise<TestGateway> {
  return startForward(t, { auth: { basic: { users, realm: 'Egress' } } })
}

function login(username: string, password: string, scheme = 'Basic'): string {
  return `Proxy-Authorization: ${basicCredentials({ username, password }).replace('Basic', scheme)}\r\n`
}

async function startBoth(t: TestContext): Promise<[TestGateway, Origin]> {
  return [await startLockedProxy(t), await startOrigin(t)]
}

describe('logins of the forward proxy', () => {
  test('F6 a plain request without a login gets a challenge, and may try again on its connection', async (t) => {
    const [proxy, origin] = await startBoth(t)
    const client = await proxy.connect()
    const wrong = [
      '',
      login('alice', 'wrong'),
      login('mallory', 'plain pass:word'),
      login('alice', 'plain pass:word', 'Bearer'),
      'Proxy-Authorization: Basic !!!\r\n',
      login('alice', 'plain pass:word') + login('bob', 'open sesame'),
    ]
    for (const fields of wrong) {
      client.send(plainRequest(`${origin.url}/`, fields))
      const reply = await client.reply()
      assert.deepEqual([reply.status, reply.field('proxy-authenticate')], [407, challenge], fields)
      assert.match(reply.field('proxy-status') ?? '', /error=http_request_denied; details="ERR_PROXY_AUTH"/)
    }
    for (const fields of [
      login('alice', 'plain pass:word'),
      login('bob', 'open sesame', 'bAsIc'),
      login('alice', 'plain pass:word'),
    ]) {
      client.send(plainRequest(`${origin.url}/`, `${fields}X-Own: 1\r\n`))
      assert.equal((await client.reply()).status, 200)
    }
    const log = await proxy.logged(wrong.length + 3)
    assert.deepEqual(
      log.map(({ user, cause }) => user ?? cause),
      [...wrong.map(() => 'ERR_PROXY_AUTH'), 'alice', 'bob', 'alice'],
    )
    assert.equal(origin.requests.length, 3)
    for (const request of origin.requests) assert.equal(request.field('proxy-authorization'), undefined)
    assert.doesNotMatch(JSON.stringify(log), /plain pass|open sesame|Basic /)
  })

  test('F6 a login is never passed on, also where none is asked for', async (t) => {
    const [proxy, origin] = [await startForward(t), await startOrigin(t)]
    const client = await proxy.connect()
    for (let count = 0; count < 2; count++) {
      client.send(plainRequest(`${origin.url}/`, `X-Before: 1\r\n${login('alice', 'secret')}X-Behind: 1\r\n`))
      assert.equal((await client.reply()).status, 200)
      const { fields } = origin.requests[count]!
      assert.deepEqual(
        fields.map(([name]) => name).filter((name) => name.startsWith('x-b') || name.startsWith('proxy')),
        ['x-before', 'x-behind'],
      )
    }
  })

  test('F2 a CONNECT that is refused closes its connection, 407 included', async (t) => {
    const [proxy, origin] = await startBoth(t)
    const refused = await proxy.connect()
    refused.send(connectHead(`127.0.0.1:${origin.port}`) + 'GET / HTTP/1.1\r\nHost: smuggled.test\r\n\r\n')
    const reply = await refused.reply()
    assert.deepEqual([reply.status, reply.field('proxy-authenticate')], [407, challenge])
    assert.equal(reply.field('connection'), 'close')
    await refused.over()
    assert.equal(refused.text, '', 'what came behind it was not read as a request')
    const client = await proxy.connect()
    client.send(connectHead(`127.0.0.1:${origin.port}`, login('alice', 'plain pass:word')))
    await takeGrant(client)
    client.socket.destroy()
    const [first, second] = await proxy.logged(2)
    assert.deepEqual([first!.cause, second!.user], ['ERR_PROXY_AUTH', 'alice'])
    assert.equal(origin.connections.length, 1)
  })

  test('F6 curl logs in by HTTP, by CONNECT and by SOCKS5 (RFC 1929), with plain passwords and hashes', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const [proxy, origin] = await startBoth(t)
    const curl = async (...options: string[]): Promise<string> => {
      const args = ['-sS', '--noproxy', '', '-w', ' %{http_code}/%{http_connect}', ...options, `${origin.url}/`]
      return await run('curl', args).then(
        ({ stdout }) => stdout,
        ({ code }: { code: number }) => `exit ${code}`,
      )
    }
    const at = (scheme: string, who: string) => `${scheme}://${who}127.0.0.1:${proxy.port}`
    for (const who of ['alice:plain%20pass%3Aword@', 'bob:open%20sesame@']) {
      assert.equal(await curl('-x', at('http', who)), 'hello 200/000')
      assert.equal(await curl('-p', '-x', at('http', who)), 'hello 200/200')
      assert.equal(await curl('-x', at('socks5', who)), 'hello 200/000')
      assert.equal(await curl('-x', at('socks5h', who)), 'hello 200/000')
    }
    for (const who of ['', 'alice:wrong@', 'mallory:x@']) {
      assert.match(await curl('-x', at('http', who)), / 407\/000$/)
      assert.equal(await curl('-p', '-x', at('http', who)), 'exit 56')
      assert.equal(await curl('-x', at('socks5', who)), 'exit 97')
    }
    assert.equal(await curl('-x', at('socks4', '')), 'exit 97', 'it has no password')
    assert.equal(origin.requests.length, 8)
    const named = (await proxy.logged(8)).flatMap(({ user }) => user ?? [])
    assert.deepEqual([named.filter((user) => user === 'alice').length, named.length], [4, 8])
  })

  test('a client certificate is a login: by its common name, or by the subject that the config gives a user', async (t) => {
    const origin = await startOrigin(t)
    const authority = testCertificate({ subject: 'Clients', authority: true })
    const server = testCertificate({ subject: 'proxy.test', names: ['DNS:proxy.test'] })
    const tls = {
      certificates: [{ cert: server.certFile, key: server.keyFile }],
      clientAuth: { ca: authority.certFile, mode: 'request' as const },
    }
    const outcomes = async (auth: NonNullable<Parameters<typeof startForward>[1]>['auth']) => {
      const proxy = await startForward(t, { auth }, { listener: { tls } })
      const found: unknown[] = []
      for (const subject of ['alice', '/O=Example/CN=bob', '']) {
        const one = subject === '' ? undefined : testCertificate({ subject, issuer: authority })
        const socket = connectTls({
          port: proxy.port,
          ca: server.cert,
          servername: 'proxy.test',
          ...(one && { cert: one.cert, key: one.key }),
        })
        await once(socket, 'secureConnect')
        const client = new RawPeer(socket)
        client.send(plainRequest(`${origin.url}/`))
        const { status } = await client.reply()
        const log = await proxy.logged(found.length + 1)
        found.push([status, log.at(-1)!.user])
        socket.destroy()
      }
      return found
    }
    const nobody = [403, undefined]
    assert.deepEqual(await outcomes({ clientCertificates: {} }), [[200, 'alice'], [200, 'bob'], nobody])
    assert.deepEqual(await outcomes({ clientCertificates: { subjects: { robert: 'CN=bob, O=Example' } } }), [
      nobody,
      [200, 'robert'],
      nobody,
    ])
    const either = { clientCertificates: { subjects: { robert: 'CN=bob,O=Example' } }, basic: { users } }
    assert.deepEqual(await outcomes(either), [
      [407, undefined],
      [200, 'robert'],
      [407, undefined],
    ])
  })
})

describe('listeners of the forward proxy', () => {
  test('have a login of their own, or none, in place of that of the door', async (t) => {
    const origin = await startOrigin(t)
    const locked = { basic: { users } }
    const open = await startForward(t, { auth: locked }, { listener: { auth: 'off' } })
    const own = await startForward(t, { auth: locked }, { listener: { auth: { basic: { users: { carol: 'c' } } } } })
    for (const [proxy, fields, status] of [
      [open, '', 200],
      [own, '', 407],
      [own, login('alice', 'plain pass:word'), 407],
      [own, login('carol', 'c'), 200],
    ] as const) {
      const client = await proxy.connect()
      client.send(plainRequest(`${origin.url}/`, fields))
      assert.equal((await client.reply()).status, status)
    }
  })

  test('serve whom `allowFrom` lets in; others are told so, and turned away before they ask', async (t) => {
    const origin = await startOrigin(t)
    const outside = await startForward(t, {}, { listener: { auth: 'off', allowFrom: ['192.0.2.0/24'] } })
    const client = await outside.connect()
    client.send(plainRequest(`${origin.url}/`))
    const reply = await client.reply()
    assert.deepEqual(
      [reply.status, /details="(\w+)"/.exec(reply.field('proxy-status') ?? '')?.[1]],
      [403, 'ERR_IP_DENIED'],
    )
    await client.over()
    const socks = await outside.connect()
    socks.send(Buffer.from([5, 1, 0]))
    await socks.over()
    assert.equal(socks.text, '\x05\xff', 'RFC 1928 §3: no acceptable method')
    const inside = await startForward(t, {}, { listener: { address: ':0', auth: 'off', allowFrom: ['127.0.0.0/8'] } })
    const other = await inside.connect()
    other.send(plainRequest(`${origin.url}/`))
    assert.equal((await other.reply()).status, 200)
  })
})
