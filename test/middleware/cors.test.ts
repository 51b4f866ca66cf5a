import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OriginSet } from '../../src/middleware/cors/origin-set.ts'
import type { Message } from '../support/message.ts'
import { ok } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'
import { through } from './through.ts'

const page = 'https://app.example.com'
const named = { origins: [page, 'https://*.example.org'], credentials: true }

function corsFields(reply: Message): Record<string, string | undefined> {
  return Object.fromEntries(reply.fields.filter(([name]) => name.startsWith('access-control-') || name === 'vary'))
}

const preflight = (fields: string): string => `OPTIONS /a HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`

describe('cors', () => {
  test('a preflight is answered here, for origins that are named', async (t) => {
    const cors = {
      ...named,
      methods: ['GET', 'PUT'],
      headers: ['X-Token', 'content-type'],
      maxAge: '10m',
      privateNetwork: true,
    }
    const { gateway, origin } = await through(t, [{ cors }])
    const wanted =
      'Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-token\r\nAccess-Control-Request-Private-Network: true\r\n'
    const reply = await ask(gateway.port, preflight(`Origin: ${page}\r\n${wanted}`))
    assert.equal(reply.status, 204)
    assert.deepEqual(corsFields(reply), {
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'x-token, content-type',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-origin': page,
      'access-control-allow-private-network': 'true',
      'access-control-max-age': '600',
      vary: 'Origin',
    })
    assert.equal(reply.field('vary'), 'Access-Control-Request-Method, Access-Control-Request-Private-Network, Origin')
    const foreign = await ask(gateway.port, preflight(`Origin: https://evil.test\r\n${wanted}`))
    assert.equal(foreign.status, 204)
    assert.deepEqual(Object.keys(corsFields(foreign)), ['vary'])
    assert.equal(origin.requests.length, 0)
  })

  test('OPTIONS that is no preflight goes to the service', async (t) => {
    const { gateway, origin } = await through(t, [{ cors: named }])
    assert.equal((await ask(gateway.port, preflight(`Origin: ${page}\r\n`))).status, 200)
    assert.equal((await ask(gateway.port, preflight('Access-Control-Request-Method: GET\r\n'))).status, 200)
    assert.equal(origin.requests.length, 2)
  })

  test('replies are opened to the origin that asks, errors too; what the service says of it goes', async (t) => {
    const theirs = 'Access-Control-Allow-Origin: *\r\nVary: Accept\r\nAccess-Control-Expose-Headers: x-inner\r\n'
    const { gateway } = await through(t, [{ cors: { ...named, exposeHeaders: ['x-total'] } }], ({ line }) =>
      line.includes('/broken') ? 'no HTTP\r\n\r\n' : ok('hello', theirs),
    )
    for (const path of ['/', '/broken']) {
      const reply = await ask(gateway.port, get(`Origin: ${page}\r\n`, path))
      assert.equal(reply.field('access-control-allow-origin'), page)
      assert.equal(reply.field('access-control-allow-credentials'), 'true')
      assert.equal(reply.field('access-control-expose-headers'), 'x-total')
      assert.equal(reply.field('vary'), path === '/' ? 'Accept, Origin' : 'Origin')
    }
  })

  test('never opens them to another origin, and says that they vary all the same', async (t) => {
    const { gateway } = await through(t, [{ cors: named }], () => ok('hello', 'Access-Control-Allow-Origin: *\r\n'))
    const others = [
      'https://evil.test',
      'http://app.example.com',
      `${page}.evil.test`,
      'null',
      'https://example.org',
      'https://evilexample.org',
    ]
    for (const fields of ['', ...others.map((origin) => `Origin: ${origin}\r\n`)]) {
      assert.deepEqual(corsFields(await ask(gateway.port, get(fields))), { vary: 'Origin' }, fields)
    }
  })

  test('a star is sent as a star, without Vary', async (t) => {
    const { gateway } = await through(t, [{ cors: { origins: ['*'] } }])
    const reply = await ask(gateway.port, get('Origin: https://any.test\r\n'))
    assert.deepEqual(corsFields(reply), { 'access-control-allow-origin': '*' })
    assert.deepEqual(corsFields(await ask(gateway.port, get())), {})
  })

  test('a pattern takes labels alone', () => {
    const set = new OriginSet(['https://*.example.org'])
    for (const origin of ['https://a.example.org', 'https://a.b-c.example.org'])
      assert.equal(set.allows(origin), true, origin)
    for (const origin of [
      'https://.example.org',
      'https://example.org',
      'https://a..example.org',
      'http://a.example.org',
      'https://evil.test/.example.org',
      'https://evil.test?.example.org',
      'https://evil.test:443#.example.org',
      'https://user@a.example.org',
      'https://a.example.org:8443',
      'https://a.example.org.evil.test',
    ])
      assert.equal(set.allows(origin), false, origin)
  })
})
