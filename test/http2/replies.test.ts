import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { askHttp2, connectHttp2 } from '../support/http2-client.ts'
import { answering, startOrigin } from '../support/origin.ts'

/** The fields that a reply with these head lines brings the client, in order. */
async function fieldsOf(t: TestContext, lines: string): Promise<string[]> {
  const origin = await startOrigin(
    t,
    answering(() => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true }, config: { via: 'off' } })
  const client = await connectHttp2(t, gateway.port)
  const stream = client.request({ ':authority': 'a.test' })
  const raw = await new Promise<string[]>((resolve) => {
    stream.on('response', (_fields, _flags, received: string[]) => resolve(received))
  })
  stream.resume()
  return raw.filter((_, at) => at % 2 === 0).map((name, at) => `${name}: ${raw[at * 2 + 1]}`)
}

test('a reply’s fields arrive as they were, in lower case: repeated ones, odd names, bytes above ASCII', async (t) => {
  const odd =
    'Date: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: "1"\r\nETag: "2"\r\n__proto__: y\r\nX-Latin: \xe9\r\n'
  assert.deepEqual((await fieldsOf(t, odd)).toSorted(), [
    ':status: 200',
    '__proto__: y',
    'content-length: 0',
    'date: x',
    'etag: "1"',
    'etag: "2"',
    'set-cookie: a=1',
    'set-cookie: b=2',
    'x-latin: \xe9',
  ])
})

test('H13 fields of the connection to the origin stay there', async (t) => {
  const hop =
    'Date: x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n'
  assert.deepEqual((await fieldsOf(t, hop)).toSorted(), [':status: 200', 'content-length: 0', 'date: x'])
})

test('a reply that is not one in HTTP/2 resets its stream alone', async (t) => {
  const replies = ['799 Odd', '200 OK']
  const origin = await startOrigin(
    t,
    answering(() => `HTTP/1.1 ${replies.shift()!}\r\nContent-Length: 0\r\n\r\n`),
  )
  const gateway = await startGateway(t, { to: [origin.port], listener: { http2: true } })
  const client = await connectHttp2(t, gateway.port)
  await assert.rejects(askHttp2(client))
  assert.equal((await gateway.logged(1))[0]!.cause, 'ERR_UPSTREAM_HEAD')
  assert.equal((await askHttp2(client)).status, 200)
})
