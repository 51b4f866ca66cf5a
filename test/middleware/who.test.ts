import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask, get } from '../support/raw-client.ts'
import { through, type Use } from './through.ts'

const behindProxy = { trustedProxies: ['127.0.0.1/32'] }

async function statusFor(port: number, address: string): Promise<number> {
  return (await ask(port, get(`X-Forwarded-For: ${address}\r\n`))).status
}

describe('ipFilter', () => {
  test('looks at the client that a trusted proxy names, and at nobody else’s word', async (t) => {
    const ipFilter = { allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.0.0.66/32'] }
    const trusting = await through(t, [{ ipFilter }], undefined, behindProxy)
    const plain = await through(t, [{ ipFilter }])
    for (let round = 0; round < 2; round++) {
      assert.equal(await statusFor(trusting.gateway.port, '10.1.2.3'), 200)
      assert.equal(await statusFor(trusting.gateway.port, '2001:db8::7'), 200)
      assert.equal(await statusFor(trusting.gateway.port, '10.0.0.66'), 403)
      assert.equal(await statusFor(trusting.gateway.port, '192.0.2.1'), 403)
      // What stands left of the client was written by the client itself.
      assert.equal(await statusFor(trusting.gateway.port, '10.1.2.3, 192.0.2.1'), 403)
      assert.equal(await statusFor(trusting.gateway.port, 'nonsense'), 403)
      assert.equal(await statusFor(plain.gateway.port, '10.1.2.3'), 403)
    }
    const [line] = await plain.gateway.logged(1)
    assert.equal(line!.cause, 'ERR_IP_DENIED')
    assert.equal(plain.origin.connections.length, 0)
  })

  test('deny alone lets all others in', async (t) => {
    const { gateway } = await through(t, [{ ipFilter: { deny: ['192.0.2.0/24'] } }], undefined, behindProxy)
    assert.equal((await ask(gateway.port, get('X-Forwarded-For: 192.0.2.9\r\n'))).status, 403)
    assert.equal((await ask(gateway.port, get())).status, 200)
  })
})

describe('requestId', () => {
  const idField = 'x-request-id'

  test('upstream, client and log get one id, of our own unless the sender is trusted', async (t) => {
    const { gateway, origin } = await through(t, [{ requestId: {} }])
    const reply = await ask(gateway.port, get('X-Request-Id: mine\r\n'))
    const id = reply.field(idField)!
    assert.match(id, /^[a-z0-9]{6}-[a-z0-9]+$/)
    assert.equal(origin.requests[0]!.field(idField), id)
    assert.equal((await gateway.logged(1))[0]!.id, id)
    const missing = await ask(gateway.port, 'GET / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n')
    assert.notEqual(missing.field(idField), id)
  })

  test('that of a trusted proxy is kept where it is plain and stands alone', async (t) => {
    for (const [trust, config] of [
      ['trustedProxies', behindProxy],
      ['everyone', {}],
    ] as const) {
      const { gateway, origin } = await through(t, [{ requestId: { header: 'X-Trace', trust } }], undefined, config)
      const kept = await ask(gateway.port, get('X-Trace: 7f9c-ab/1\r\n'))
      assert.equal(kept.field('x-trace'), '7f9c-ab/1')
      assert.equal(origin.requests[0]!.field('x-trace'), '7f9c-ab/1')
      for (const fields of [
        `X-Trace: ${'a'.repeat(129)}\r\n`,
        'X-Trace: a b\r\n',
        'X-Trace: a\r\nX-Trace: b\r\n',
        'X-Trace:\r\n',
      ]) {
        const replaced = await ask(gateway.port, get(fields))
        assert.match(replaced.field('x-trace')!, /^[a-z0-9]{6}-[a-z0-9]+$/, fields)
        assert.equal(origin.requests.at(-1)!.field('x-trace'), replaced.field('x-trace'))
      }
    }
    const { gateway } = await through(t, [{ requestId: { trust: 'trustedProxies' } }])
    assert.notEqual((await ask(gateway.port, get('X-Request-Id: mine\r\n'))).field(idField), 'mine')
  })

  test('an error page carries it once', async (t) => {
    const use: Use = [{ requestId: {} }, { ipFilter: { deny: ['127.0.0.1/32'] } }]
    const { gateway } = await through(t, use)
    const reply = await ask(gateway.port, get())
    assert.equal(reply.status, 403)
    assert.match(reply.field(idField)!, /^[a-z0-9]{6}-[a-z0-9]+$/)
    assert.match(reply.body, new RegExp(reply.field(idField)!))
  })
})
