import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { ok, startOrigin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'
import { through } from './through.ts'

const set = (name: string, value: string) => ({ headers: { request: { set: { [name]: value } } } })

describe('headers', () => {
  test('sets, adds and removes in both directions, on heads that come again too', async (t) => {
    const change = {
      remove: ['X-Gone'],
      set: { 'X-Set': 'new' },
      add: { 'X-More': 'two' },
    }
    const { gateway, origin } = await through(t, [{ headers: { request: change, response: change } }], () =>
      ok('hello', 'X-Gone: 1\r\nX-SET: old\r\nx-set: older\r\nX-More: one\r\n'),
    )
    const client = await gateway.connect()
    for (let round = 0; round < 4; round++) {
      client.send(get('x-gone: 1\r\nX-gone: 2\r\nx-set: old\r\nX-MORE: one\r\n'))
      for (const message of [await client.reply(), origin.requests.at(-1)!]) {
        assert.equal(message.field('x-gone'), undefined)
        assert.equal(message.field('x-set'), 'new')
        assert.equal(message.field('x-more'), 'one, two')
      }
    }
    // The same fields with a body, and to another method, are not the head that was kept.
    client.send(post('body', 'x-gone: 1\r\n'))
    assert.equal((await client.reply()).field('x-set'), 'new')
    const last = origin.requests.at(-1)!
    assert.deepEqual([last.body, last.field('x-set'), last.field('x-gone')], ['body', 'new', undefined])
    assert.equal(last.field('content-length'), '4')
  })

  test('two of them, and two routes with the same heads, do not get into each other', async (t) => {
    const origin = await startOrigin(t)
    const gateway = await startGateway(t, {
      config: {
        gateway: {
          use: [set('x-a', '1')],
          routes: [
            { name: 'one', match: { path: '/1' }, use: [set('x-b', '2')], to: 'app' },
            { name: 'two', match: { path: '/2' }, use: [set('x-a', '3')], to: 'app' },
            { name: 'three', match: { path: '/3' }, to: 'app' },
          ],
          upstreams: { app: { endpoints: [origin.url] } },
        },
      },
    })
    const client = await gateway.connect()
    for (let round = 0; round < 3; round++) {
      for (const path of ['/1', '/2', '/3']) {
        client.send(get('', path))
        await client.reply()
      }
      assert.deepEqual(
        origin.requests.slice(-3).map((request) => [request.field('x-a'), request.field('x-b')]),
        [
          ['1', '2'],
          ['3', undefined],
          ['1', undefined],
        ],
      )
    }
  })

  test('an error page gets its fields too', async (t) => {
    const { gateway } = await through(
      t,
      [{ headers: { response: { set: { 'x-frame-options': 'DENY' } } } }],
      () => 'no HTTP\r\n\r\n',
    )
    const reply = await ask(gateway.port, get())
    assert.equal(reply.status, 502)
    assert.equal(reply.field('x-frame-options'), 'DENY')
  })

  test('what is forwarded stays one message: a host, a length, the forwarding fields of this hop', async (t) => {
    const { gateway, origin } = await through(t, [{ headers: { request: { set: { 'x-edge': 'turnpike' } } } }])
    const client = await gateway.connect()
    for (let round = 0; round < 3; round++) {
      client.send(get('X-Forwarded-For: 10.9.9.9\r\nAccept: */*\r\n'))
      await client.reply()
      const names = origin.requests.at(-1)!.fields.map(([name]) => name)
      assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted(), 'no field twice')
      assert.equal(origin.requests.at(-1)!.field('x-forwarded-for'), '127.0.0.1')
    }
  })
})
