import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { finishedExchange, session } from '../../test/control/finished-exchange.ts'
import { TurnpikeError } from '../core/error.ts'
import { RequestIds } from '../engine/request-id.ts'
import { ja4 } from '../wire/ja4.ts'
import { AccessLines } from './access-line.ts'

const lines = new AccessLines(new RequestIds('abc123'))
const parse = (exchange: Parameters<AccessLines['of']>[0]): Record<string, unknown> => {
  const line = lines.of(exchange)
  assert.match(line, /^[\x20-\x7e]+\n$/, 'one line of ASCII')
  return JSON.parse(line)
}

describe('a line of the access log', () => {
  test('says all of a plain request', () => {
    assert.deepEqual(parse(finishedExchange({ sequence: 36 ** 2 + 1, target: '/v1/users/7?token=secret' })), {
      time: '2026-11-22T08:50:39.123Z',
      id: 'abc123-101',
      client: '203.0.113.7:40001',
      listener: 'web',
      route: 'users',
      upstream: 'app',
      endpoint: 'http://127.0.0.1:9001',
      method: 'GET',
      host: 'api.example.com',
      protocol: 'HTTP/1.1',
      path: '/v1/users/7',
      query: true,
      status: 200,
      bytesIn: 0,
      bytesOut: 1234,
      totalMs: 4.75,
      connectMs: 0.25,
      firstByteMs: 3.25,
      bodyMs: 1.25,
      attempts: 1,
      reused: true,
      userAgent: 'curl/8.5.0',
    })
  })

  test('says why a request failed, and leaves out what was not reached', () => {
    const error = new TurnpikeError('ERR_CONNECT_REFUSED', { message: 'connect "x" refused', phase: 'dial' })
    const line = parse(finishedExchange({ error, status: 502, attempts: 3, times: { connected: 0, firstByte: 0 } }))
    assert.equal(line.cause, 'ERR_CONNECT_REFUSED')
    assert.equal(line.source, 'upstream')
    assert.equal(line.phase, 'dial')
    assert.equal(line.detail, 'connect "x" refused')
    assert.equal(line.attempts, 3)
    assert.ok(!('connectMs' in line) && !('firstByteMs' in line) && !('bodyMs' in line))
    const unrouted = parse(finishedExchange({ route: '', upstream: '', endpoint: '', attempts: 0, userAgent: null }))
    for (const field of ['route', 'upstream', 'endpoint', 'attempts', 'reused', 'userAgent', 'cause', 'tls', 'sni']) {
      assert.ok(!(field in unrouted), field)
    }
  })

  test('says what TLS said', () => {
    const tls = { version: 'TLSv1.3', sni: 'api.example.com', domain: 'a.test', clientCertificate: '' }
    const { tls: version, sni } = parse(finishedExchange({ tls }))
    assert.deepEqual({ version, sni }, { version: 'TLSv1.3', sni: 'api.example.com' })
  })

  test('behind a trusted proxy the client is not the peer', () => {
    const line = parse(finishedExchange({ peerAddress: '10.0.0.1', clientAddress: '2001:db8::7' }))
    assert.deepEqual([line.client, line.peer, line.listener], ['2001:db8::7', '10.0.0.1:40001', 'web'])
    assert.equal(parse(finishedExchange({ peerAddress: '2001:db8::1' })).client, '[2001:db8::1]:40001')
  })

  test('whatever a client sends stays one line of JSON, and comes back as it was', () => {
    for (let code = 0; code < 256; code++) {
      const text = `a${String.fromCharCode(code)}b"},{\\`
      const line = parse(
        finishedExchange({ target: `/${text}`, host: text, route: text, listener: text, method: text }),
      )
      const path = text.includes('?') ? '/a' : `/${text}`
      assert.deepEqual([line.path, line.host, line.route, line.listener, line.method], [path, text, text, text, text])
    }
    assert.equal('userAgent' in parse(finishedExchange({ userAgent: '' })), false)
    const agents = ['"', 'é\\', '日本'.repeat(9), 'x'.repeat(400)]
    for (const userAgent of agents) {
      const given = Buffer.from(userAgent).toString('latin1')
      assert.equal(parse(finishedExchange({ userAgent: given })).userAgent, given)
    }
  })

  test('long paths and user agents are cut, and say so', () => {
    const line = parse(finishedExchange({ target: `/${'p'.repeat(9000)}`, userAgent: 'u'.repeat(2000) }))
    assert.equal(line.path, `/${'p'.repeat(4095)}…`)
    assert.equal(line.userAgent, `${'u'.repeat(512)}…`)
  })

  test('an absolute-form target shows its path alone', () => {
    const { path } = parse(finishedExchange({ target: 'http://user:pass@api.example.com/a/b?c' }))
    assert.equal(path, '/a/b')
    assert.equal(parse(finishedExchange({ target: 'http://user:pass@api.example.com' })).path, '')
    assert.equal(parse(finishedExchange({ target: 'http://user:pass@api.example.com?x=/y' })).path, '')
    assert.equal(parse(finishedExchange({ target: '*' })).path, '*')
  })

  test('texts that are kept never stand in for others', () => {
    const owner = session()
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 2000; number++) {
        const wanted = {
          session: owner,
          route: `route-${number % 700}`,
          upstream: `up-${number % 41}`,
          endpoint: `http://10.0.${number % 13}.${number % 250}:80`,
          host: `h${number % 311}.example.com`,
          method: number % 2 === 0 ? 'GET' : 'POST',
          userAgent: `agent/${number % 523} (a client)`,
          clientAddress: `10.1.${number % 7}.${number % 101}`,
          wall: 1_700_000_000_000 + number * 331.7,
          times: { finished: number / 7 },
        }
        const line = parse(finishedExchange(wanted))
        assert.equal(line.time, new Date(wanted.wall).toISOString())
        assert.deepEqual(
          [line.route, line.upstream, line.endpoint, line.host, line.method, line.userAgent, line.client],
          [
            wanted.route,
            wanted.upstream,
            wanted.endpoint,
            wanted.host,
            wanted.method,
            wanted.userAgent,
            wanted.clientAddress,
          ],
        )
        assert.equal(line.totalMs, Math.round((1000 + number / 7 - 1000) * 1000) / 1000)
      }
    }
  })

  test('ten failed attempts are shown, and no more', () => {
    const failedAttempts = Array.from({ length: 300 }, (_, at) => ({
      endpoint: `http://10.0.0.1:${at}`,
      cause: 'ERR_CONNECT_REFUSED',
      afterMs: at / 3,
    }))
    const shown: unknown = parse(finishedExchange({ failedAttempts })).failedAttempts
    assert.ok(Array.isArray(shown))
    assert.equal(shown.length, 10)
    assert.deepEqual(shown[1], { endpoint: 'http://10.0.0.1:1', cause: 'ERR_CONNECT_REFUSED', afterMs: 0.333 })
  })

  test('T3 T5 says of a tunnel how it was asked for, and what its ClientHello says', () => {
    const destination = { kind: 'connect', host: 'a.test', port: 443, address: null, hello: null } as const
    const hello = {
      sni: 'cover.test',
      alpn: ['h2', '"\\\x00', ...Array.from({ length: 20 }, () => 'x'.repeat(200))],
      version: 0x0304,
      outer: true,
      ciphers: [0x1301],
      extensions: [0, 16, 0xfe0d],
      signatureAlgorithms: [0x0403],
    }
    const tls = { version: 'TLSv1.2', sni: 'proxy.test', domain: 'a.test', clientCertificate: '' }
    const tunnel = { method: 'CONNECT', target: 'a.test:443', host: 'a.test', destination }
    const line = parse(finishedExchange({ ...tunnel, hello, tls }))
    assert.deepEqual([line.tls, line.sni, line.path], ['TLSv1.2', 'proxy.test', 'a.test:443'])
    assert.equal(line.destination, 'connect')
    assert.deepEqual(line.hello, {
      sni: 'cover.test',
      alpn: ['h2', '"\\\x00', ...Array.from({ length: 6 }, () => `${'x'.repeat(32)}…`)],
      tls: 'TLSv1.3',
      ja4: ja4(hello),
      ech: 'outer',
    })
    const plain = parse(finishedExchange({ ...tunnel, hello: { ...hello, outer: false, version: 0x7f1c } })).hello
    assert.ok(typeof plain === 'object' && plain !== null && !('ech' in plain) && 'tls' in plain)
    assert.equal(plain.tls, '0x7f1c')
    const opaque = parse(finishedExchange(tunnel))
    assert.deepEqual([opaque.destination, 'hello' in opaque], ['connect', false])
    assert.equal('destination' in parse(finishedExchange({})), false)
  })

  test('the wall clock may go back', () => {
    for (const wall of [1_700_000_000_999.9, 1_699_999_000_000, 1_700_000_001_000]) {
      assert.equal(parse(finishedExchange({ wall })).time, new Date(Math.floor(wall)).toISOString())
    }
  })
})
