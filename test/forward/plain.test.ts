import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startForward } from '../support/forward/start-forward.ts'
import { startOrigin } from '../support/origin.ts'
import { ask } from '../support/raw-client.ts'

const request = (url: string, fields = '', method = 'GET'): string => {
  const { host } = new URL(url)
  return `${method} ${url} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`
}

describe('plain requests through the forward proxy', () => {
  test('H10 reach the host of their target in origin form, on connections that are kept on both sides', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    const client = await proxy.connect()
    for (const path of ['/a', '/b?c=d', '/e/../f%2e?g']) {
      client.send(request(`${origin.url}${path}`))
      assert.equal((await client.reply()).body, 'hello')
    }
    assert.equal(origin.connections.length, 1)
    // H24: neither path nor query is touched.
    assert.deepEqual(
      origin.requests.map(({ line }) => line),
      ['GET /a HTTP/1.1', 'GET /b?c=d HTTP/1.1', 'GET /e/../f%2e?g HTTP/1.1'],
    )
    const lines = await proxy.logged(3)
    assert.deepEqual(
      lines.map(({ reused, endpoint }) => ({ reused, endpoint })),
      [false, true, true].map((reused) => ({ reused, endpoint: origin.url })),
    )
  })

  test('say nothing of their client, and of us only Via', async (t) => {
    const origin = await startOrigin(t)
    const proxy = await startForward(t)
    await ask(
      proxy.port,
      request(`${origin.url}/`, 'Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic YTpi\r\n'),
    )
    const names = origin.requests[0]!.fields.map(([name]) => name)
    assert.deepEqual(names, ['host', 'via'])
  })
})
