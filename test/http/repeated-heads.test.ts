import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'

/** Heads that forwarding changes: what is taken away from one must be taken away from the next as well, and no more. */
const requests = [
  get('Connection: x-user-id\r\nX-User-Id: 7\r\nX-Kept: 1\r\n'),
  get('Connection: close-not\r\nTE: trailers\r\nKeep-Alive: 5\r\n'),
  get('X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nX-Forwarded-Proto: https\r\n'),
  'OPTIONS /a HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 3\r\n\r\n',
  'GET http://b.test/a/../b?c HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  post('hello', 'Expect: 100-continue\r\n'),
  'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
]

const replies = [
  ok('hello', 'Connection: x-internal\r\nX-Internal: 1\r\nVia: 1.1 inner\r\n'),
  'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length : 2\r\n\r\nhi',
]

const content = ({ line, fields, body }: Message): unknown => [line, body, fields.filter(([name]) => name !== 'date')]

for (const trusted of [false, true]) {
  test(`H13 H14 H18 the same bytes again are forwarded as the same again, ${trusted ? 'trusted' : 'untrusted'}`, async (t) => {
    let reply = ''
    const origin = await startOrigin(
      t,
      answering(() => reply),
    )
    const gateway = await startGateway(t, {
      to: [origin.port],
      config: { via: 'edge', trustedProxies: trusted ? ['127.0.0.0/8'] : [] },
    })
    let client = await gateway.connect()
    const first = new Map<string, unknown>()
    for (let round = 0; round < 5; round++) {
      for (const request of requests) {
        for (reply of replies) {
          client.send(request)
          const seen = await client.reply()
          if (seen.field('connection') === 'close') client = await gateway.connect()
          const got = [content(seen), content(origin.requests.pop()!)]
          const key = request + reply
          if (round === 0) first.set(key, got)
          else assert.deepEqual(got, first.get(key), `round ${round}: ${JSON.stringify(key)}`)
        }
      }
    }
    assert.equal(gateway.log.length, 5 * requests.length * replies.length)
  })
}

test('H2 H5 H10 a head that differs in one byte from one that was read is read for what it is', async (t) => {
  const origin = await startOrigin(t)
  const gateway = await startGateway(t, { to: [origin.port] })
  const good = get('X-Padding: abcdefgh\r\nContent-Length: 0\r\n')
  const variants: [bytes: string, status: number][] = [
    [good.replace('h: 0', 'h: +'), 400],
    [good.replace('abcd', 'a\0cd'), 400],
    [good.replace('abcd', 'a\rcd'), 400],
    [good.replace('X-Padding', 'X-Paddin '), 400],
    [good.replace('a.test', 'a@test'), 400],
    [good.replace('HTTP/1.1', 'HTTP/2.1'), 505],
    [good.replace('abcd', 'abce'), 200],
  ]
  for (const [bytes, status] of variants) {
    assert.equal(bytes.length, good.length)
    const client = await gateway.connect()
    for (let at = 0; at < 4; at++) {
      client.send(good)
      assert.equal((await client.reply()).status, 200)
    }
    client.send(bytes)
    assert.equal((await client.reply()).status, status, JSON.stringify(bytes))
  }
})
