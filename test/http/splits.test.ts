import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, startOrigin } from '../support/origin.ts'
import type { RawPeer } from '../support/raw-peer.ts'

const requests: Record<string, string> = {
  'a length': 'PUT /a?b HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello',
  chunks:
    'POST /c HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
  'no body': '\r\nGET http://b.test/d HTTP/1.1\r\nHost: a.test\r\nConnection: x, keep-alive\r\nX: gone\r\n\r\n',
}
const replies: Record<string, string> = {
  'a length': 'HTTP/1.1 201 Created\r\nX-B: 2\r\nContent-Length: 5\r\n\r\nhello',
  chunks:
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
  'no body': 'HTTP/1.1 304 Not Modified\r\nX-Folded : a\r\n b\r\nETag: "a"\r\n\r\n',
}

/** Each byte in a write of its own, and time for it to leave. */
async function drip(peer: RawPeer, bytes: string): Promise<void> {
  for (const byte of bytes) {
    peer.send(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What does not depend on when it was sent. */
function content({ line, fields, body, trailers }: Message): unknown {
  return { line, fields: fields.filter(([name]) => name !== 'date' && name !== 'x-forwarded-port'), body, trailers }
}

test('H12 a request sent byte by byte, and a reply sent byte by byte, mean the same as whole ones', async (t) => {
  const next = { reply: '', dripped: false }
  const origin = await startOrigin(t, async (connection, self) => {
    await answering(async () => {
      if (!next.dripped) return next.reply
      await drip(connection, next.reply)
      return ''
    })(connection, self)
  })
  const gateway = await startGateway(t, { to: [origin.port], config: { via: 'edge' } })
  const client = await gateway.connect()
  const exchange = async (request: string, dripped: boolean): Promise<unknown[]> => {
    next.dripped = dripped
    if (dripped) await drip(client, request)
    else client.send(request)
    const seen = [await client.reply()]
    while (seen.at(-1)!.status < 200) seen.push(await client.reply())
    return [content(origin.requests.pop()!), ...seen.map(content)]
  }
  for (const [requestKind, request] of Object.entries(requests)) {
    for (const [replyKind, reply] of Object.entries(replies)) {
      next.reply = reply
      assert.deepEqual(await exchange(request, true), await exchange(request, false), `${requestKind}, ${replyKind}`)
    }
  }
  // All on one connection each way: nothing was left over or taken for too much.
  assert.equal(origin.connections.length, 1)
  assert.equal(gateway.log.length, 18)
})

test('H12 two pipelined requests cut at every byte are two requests', async (t) => {
  const origin = await startOrigin(
    t,
    answering(
      ({ line, body }) => `HTTP/1.1 200 OK\r\nContent-Length: ${line.length + body.length}\r\n\r\n${line}${body}`,
    ),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  const both = requests['a length']! + requests.chunks!
  for (let cut = 1; cut < both.length; cut++) {
    client.send(both.slice(0, cut))
    await new Promise((resolve) => setImmediate(resolve))
    client.send(both.slice(cut))
    const seen = [(await client.reply()).body, (await client.reply()).body]
    assert.deepEqual(seen, ['PUT /a?b HTTP/1.1hello', 'POST /c HTTP/1.1hello0123456789'], `cut at ${cut}`)
  }
})
