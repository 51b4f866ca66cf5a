import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok } from '../support/origin.ts'
import { get, post } from '../support/raw-client.ts'
import { through, type Use } from './through.ts'

const date = 'Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n'

/** Headers, a prefix and a limit, whose fields differ from reply to reply. */
const use: Use = [
  {
    headers: {
      request: { set: { 'x-edge': 'turnpike' }, remove: ['x-debug'] },
      response: { set: { 'x-seen': 'yes' }, remove: ['server'] },
    },
  },
  { rateLimit: { rate: '10/h', burst: 1000 } },
  { stripPrefix: { prefix: '/a' } },
]

describe('heads that come again and again, changed by middleware', () => {
  test('each request and each reply is whole, with the fields of its own turn', async (t) => {
    let turn = 0
    const { gateway, origin } = await through(t, use, () =>
      ok('hello', `${date}Server: app\r\nX-Turn: ${++turn >> 2}\r\n`),
    )
    const client = await gateway.connect()
    let left = Infinity
    for (let round = 0; round < 12; round++) {
      client.send(get('X-Debug: 1\r\nAccept: */*\r\n', `/a/${round}`))
      const reply = await client.reply()
      const remaining = Number(reply.field('x-ratelimit-remaining'))
      assert.ok(remaining < left)
      left = remaining
      assert.equal(reply.field('x-turn'), String(turn >> 2))
      assert.deepEqual([reply.field('x-seen'), reply.field('server'), reply.body], ['yes', undefined, 'hello'])
      const names = reply.fields.map(([name]) => name)
      assert.equal(new Set(names).size, names.length, names.join())
      const request = origin.requests.at(-1)!
      assert.equal(request.line, `GET /${round} HTTP/1.1`)
      assert.deepEqual(
        request.fields.map(([name]) => name),
        [
          'host',
          'accept',
          'x-edge',
          'x-forwarded-prefix',
          'x-forwarded-for',
          'x-forwarded-proto',
          'x-forwarded-host',
          'x-forwarded-port',
          'via',
        ],
      )
    }
  })

  test('what asks for more than the usual gets it all the same', async (t) => {
    const { gateway, origin } = await through(t, use, ({ line }) =>
      line.startsWith('HEAD') ? `HTTP/1.1 200 OK\r\n${date}Content-Length: 5\r\n\r\n` : ok('hello', date),
    )
    const head = 'HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\n'
    for (let round = 0; round < 3; round++) {
      const client = await gateway.connect()
      client.send(get('', '/a') + head + post('some', '', '/a') + get('X-Forwarded-For: 10.0.0.1\r\n', '/a'))
      assert.equal((await client.reply()).body, 'hello')
      assert.equal((await client.reply('HEAD')).field('content-length'), '5')
      assert.equal((await client.reply()).body, 'hello')
      assert.equal((await client.reply()).body, 'hello')
      const [plain, , posted, forwarded] = origin.requests.slice(-4)
      assert.equal(plain!.field('content-length'), undefined)
      assert.deepEqual([posted!.body, posted!.field('content-length')], ['some', '4'])
      assert.equal(forwarded!.field('x-forwarded-for'), '127.0.0.1')
      client.send('GET /a HTTP/1.0\r\nHost: a.test\r\n\r\n')
      const old = await client.reply()
      assert.deepEqual([old.field('connection'), old.field('x-seen'), old.body], ['close', 'yes', 'hello'])
      assert.equal(await client.over(), 'end')
    }
  })
})
