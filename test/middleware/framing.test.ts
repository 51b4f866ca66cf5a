import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Middleware } from '../../src/engine/middleware/middleware.ts'
import { middlewareLoaders } from '../../src/middleware-definitions.ts'
import { ok } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'
import { through } from './through.ts'

/** A gateway with middleware that does what nobody should. */
async function misled(t: TestContext, middleware: Middleware) {
  t.mock.method(await middlewareLoaders.headers(), 'create', () => middleware)
  return through(t, [{ headers: {} }], () => ok('hello', 'Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n'))
}

describe('H1 middleware cannot make a message that is read in two ways', () => {
  test('a second length, a second host', async (t) => {
    const { gateway, origin } = await misled(t, {
      request({ headers }) {
        headers.append('Content-Length', '7')
        headers.append('Host', 'other.test')
      },
      response(exchange) {
        exchange.response!.headers.append('Content-Length', '2')
      },
    })
    const client = await gateway.connect()
    for (let round = 0; round < 3; round++) {
      client.send(get() + post('four'))
      for (const body of ['', 'four']) {
        const reply = await client.reply()
        assert.deepEqual([reply.field('content-length'), reply.body], ['5', 'hello'])
        const request = origin.requests[round * 2 + (body === '' ? 0 : 1)]!
        assert.equal(request.body, body)
        assert.equal(request.field('content-length'), String(body.length))
        assert.equal(request.field('host'), 'other.test')
      }
    }
  })

  test('a field of the connection is refused where it is added', async (t) => {
    for (const name of ['Transfer-Encoding', 'connection', 'Upgrade', 'TE', 'keep-alive']) {
      const { gateway, origin } = await misled(t, {
        request: ({ headers }) => headers.set(name.toLowerCase(), 'chunked'),
      })
      const client = await gateway.connect()
      client.send(get())
      const reply = await client.reply()
      assert.match(reply.field('proxy-status')!, /ERR_HEADER_SYNTAX/)
      assert.equal(origin.requests.length, 0)
    }
  })
})
