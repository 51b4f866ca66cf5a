import assert from 'node:assert/strict'
import test from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'

const head = 'HTTP/1.1 200 OK\r\n'

/** Replies that no client may see: bytes and cause. */
const refused: Record<string, [reply: string, cause: string][]> = {
  'H1 both framings in a reply': [
    [`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'ERR_UPSTREAM_FRAMING'],
  ],
  'H2 several lengths in a reply, or one that is no number': [
    [`${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, 'ERR_UPSTREAM_FRAMING'],
    [`${head}Content-Length: 2, 2\r\n\r\nhi`, 'ERR_UPSTREAM_FRAMING'],
    [`${head}Content-Length: -2\r\n\r\nhi`, 'ERR_UPSTREAM_FRAMING'],
    [`${head}Content-Length: 0x2\r\n\r\nhi`, 'ERR_UPSTREAM_FRAMING'],
    [`${head}Content-Length: 9007199254740992\r\n\r\nhi`, 'ERR_UPSTREAM_FRAMING'],
  ],
  'H5 reply heads that two parsers could read two ways': [
    [`${head}X: a\rb\r\n\r\n`, 'ERR_UPSTREAM_HEAD'],
    [`${head}X: a\nb\r\n\r\n`, 'ERR_UPSTREAM_HEAD'],
    [`${head}X: a\0b\r\n\r\n`, 'ERR_UPSTREAM_HEAD'],
    [`${head}: a\r\n\r\n`, 'ERR_UPSTREAM_HEAD'],
    [`${head}X\r\n\r\n`, 'ERR_UPSTREAM_HEAD'],
    ['HTTP/1.1 20 OK\r\n\r\n', 'ERR_UPSTREAM_HEAD'],
    ['HTTP/2.0 200 OK\r\n\r\n', 'ERR_UPSTREAM_HEAD'],
    ['hello\r\n\r\n', 'ERR_UPSTREAM_HEAD'],
  ],
}

for (const [name, replies] of Object.entries(refused)) {
  test(`${name}: 502, and the upstream connection is closed`, async (t) => {
    const next = { reply: '' }
    const origin = await startOrigin(
      t,
      answering(() => next.reply),
    )
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    for (const [at, [reply, cause]] of replies.entries()) {
      next.reply = reply
      client.send(get())
      const { status, body } = await client.reply()
      assert.deepEqual([status, body.includes(cause)], [502, true], JSON.stringify(reply))
      const line = (await gateway.logged(at + 1)).at(-1)!
      assert.deepEqual([line.status, line.cause], [502, cause])
      await origin.connections[at]!.until(({ ended, closed }) => ended || closed, 'the upstream connection to end')
    }
    assert.equal(origin.connections.length, replies.length)
  })
}

test('H4 a reply whose coding does not end in chunked runs until close', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send(`${head}Transfer-Encoding: gzip\r\n\r\nbytes`)
    connection.end()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const reply = await ask(gateway.port, get())
  assert.deepEqual([reply.body, reply.field('transfer-encoding')], ['bytes', 'chunked'])
})

test('H5 blanks before a colon and folded lines in a reply are cleaned', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => `${head}Content-Length : 2\r\nX-Folded: a\r\n \t b\r\n\r\nhi`),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const reply = await ask(gateway.port, get())
  assert.deepEqual([reply.body, reply.field('x-folded'), reply.field('content-length')], ['hi', 'a b', '2'])
})

/** Replies that break off after their head: what is sent, how the connection then goes, cause. */
const cut: [reply: string, end: 'end' | 'reset', cause: string][] = [
  [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'end', 'ERR_UPSTREAM_TRUNCATED'],
  [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`, 'end', 'ERR_UPSTREAM_TRUNCATED'],
  [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`, 'end', 'ERR_UPSTREAM_TRUNCATED'],
  [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'reset', 'ERR_UPSTREAM_ABORT'],
  [`${head}Content-Length: 10\r\n\r\nhello`, 'end', 'ERR_UPSTREAM_TRUNCATED'],
  [`${head}Content-Length: 10\r\n\r\nhello`, 'reset', 'ERR_UPSTREAM_ABORT'],
  [`${head}\r\nhello`, 'reset', 'ERR_UPSTREAM_ABORT'],
]

for (const [reply, end, cause] of cut) {
  for (const version of ['1.1', '1.0']) {
    test(`H7 a reply cut short is never passed off as whole: HTTP/${version}, ${JSON.stringify(reply)}, ${end}`, async (t) => {
      const origin = await startOrigin(t, async (connection) => {
        await connection.request()
        connection.send(reply)
        // The client has seen a part of it by now.
        await connection.until(({ text }) => text === 'go', 'the word')
        if (end === 'end') connection.end()
        else connection.reset()
      })
      const gateway = await startGateway(t, { to: [origin.port] })
      const client = await gateway.connect()
      client.send(`GET / HTTP/${version}\r\nHost: a.test\r\n\r\n`)
      await client.until(({ text }) => text.includes('hel'), 'some of the body')
      origin.connections[0]!.text = 'go'
      origin.connections[0]!.socket.emit('data', Buffer.alloc(0))
      assert.equal(await client.over(), 'reset')
      assert.ok(!client.text.includes('\r\n0\r\n'), 'a final chunk was invented')
      const [line] = await gateway.logged(1)
      assert.deepEqual([line!.status, line!.cause], [200, cause])
    })
  }
}

const bodiless: [method: string, reply: string][] = [
  ['HEAD', `${head}Content-Length: 5\r\n\r\n`],
  ['HEAD', `${head}Transfer-Encoding: chunked\r\n\r\n`],
  ['HEAD', `${head}\r\n`],
  ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
  ['GET', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
]

for (const [method, reply] of bodiless) {
  test(`H8 no body whatever the fields say: ${method}, ${JSON.stringify(reply)}`, async (t) => {
    const replies = [reply, ok('next')]
    const origin = await startOrigin(
      t,
      answering(() => replies.shift()!),
    )
    const gateway = await startGateway(t, { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get().replace('GET', method))
    const first = await client.reply(method)
    client.send(get())
    // Both connections are in step: the next reply is found where this one ended.
    assert.equal((await client.reply()).body, 'next')
    assert.equal(origin.connections.length, 1)
    assert.equal(first.field('transfer-encoding'), undefined)
    // RFC 9110 §8.6: no Content-Length in a 204.
    if (first.status === 204) assert.equal(first.field('content-length'), undefined)
    else assert.equal(first.field('content-length'), reply.includes('Length') ? '5' : undefined)
  })
}

test('H8 bytes after a reply that has no body are nobody’s: the upstream connection is not used again', async (t) => {
  const replies = ['HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', ok('next')]
  const origin = await startOrigin(
    t,
    answering(() => replies.shift()!),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get())
  assert.equal((await client.reply()).status, 304)
  assert.equal((await client.reply()).body, 'next')
  assert.equal(origin.connections.length, 2)
})

test('H8 a reply that ends at close: chunked to a 1.1 client, until close to a 1.0 client', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send(`${head}Keep-Alive: 5\r\n\r\nhello`)
    connection.end()
  })
  const gateway = await startGateway(t, { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get())
  for (const reply of [await client.reply(), await client.reply()]) {
    assert.deepEqual(
      [reply.body, reply.field('transfer-encoding'), reply.field('connection')],
      ['hello', 'chunked', undefined],
    )
  }
  const old = await gateway.connect()
  old.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  const reply = await old.reply()
  assert.deepEqual(
    [reply.body, reply.field('transfer-encoding'), reply.field('connection')],
    ['hello', undefined, 'close'],
  )
  assert.equal(await old.over(), 'end')
})

test('H3 Transfer-Encoding in a 1.0 reply is faulty: 502', async (t) => {
  const origin = await startOrigin(
    t,
    answering(() => 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  )
  const gateway = await startGateway(t, { to: [origin.port] })
  assert.equal((await ask(gateway.port, get())).status, 502)
  assert.equal(gateway.log[0]!.cause, 'ERR_UPSTREAM_FRAMING')
})
