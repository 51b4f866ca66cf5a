import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { Headers } from '../../src/core/headers.ts'
import { TurnpikeError } from '../../src/core/error.ts'
import type { BodySink } from '../../src/engine/body.ts'
import type { Exchange, Reply } from '../../src/engine/exchange.ts'
import type { BodyFilter, MakeBodyFilter } from '../../src/engine/middleware/body-filter.ts'
import { MiddlewareRun } from '../../src/engine/middleware/middleware-run.ts'
import type { Middleware } from '../../src/engine/middleware/middleware.ts'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'

interface Guarded {
  gateway: TestGateway
  reported: unknown[]
}

/** A gateway in front of which middleware stands. */
async function guarded(t: TestContext, middlewares: Middleware[], options: GatewayOptions): Promise<Guarded> {
  const gateway = await startGateway(t, options)
  const reported: unknown[] = []
  const { door } = gateway.turnpike.generation
  const handle = door.handle.bind(door)
  door.handle = (exchange) =>
    MiddlewareRun.start(
      middlewares,
      exchange,
      (error) => reported.push(error),
      () => handle(exchange),
    )
  return { gateway, reported }
}

/** Says what happens to it, in order. */
function noting(name: string, notes: string[], hooks: Middleware = {}): Middleware {
  return {
    request(exchange) {
      notes.push(`${name} request`)
      return hooks.request?.(exchange)
    },
    response(exchange) {
      notes.push(`${name} response ${exchange.response?.status}`)
      return hooks.response?.(exchange)
    },
    finish() {
      notes.push(`${name} finish`)
    },
  }
}

const text = (body: string, status = 200): Reply => ({
  status,
  headers: new Headers(),
  body: { kind: 'bytes', bytes: Buffer.from(body) },
})

/** Lets microtasks and a turn pass. */
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('hooks run in order on the way in, in reverse on the way out, and each once', async (t) => {
  const notes: string[] = []
  const origin = await startOrigin(t)
  const { gateway } = await guarded(t, [noting('a', notes), noting('b', notes)], { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get() + get())
  for (let at = 0; at < 2; at++) assert.equal((await client.reply()).body, 'hello')
  await gateway.logged(2)
  const one = ['a request', 'b request', 'b response 200', 'a response 200', 'b finish', 'a finish']
  assert.deepEqual(notes, [...one, ...one])
})

test('a request hook can answer: only those that were entered see the reply', async (t) => {
  for (const delay of [false, true]) {
    const notes: string[] = []
    const origin = await startOrigin(t)
    const answers: Middleware = {
      request: () => (delay ? later().then(() => text('mine', 403)) : text('mine', 403)),
    }
    const chain = [noting('a', notes), noting('b', notes, answers), noting('c', notes)]
    const { gateway } = await guarded(t, chain, { to: [origin.port] })
    const reply = await ask(gateway.port, get())
    assert.deepEqual([reply.status, reply.body], [403, 'mine'])
    await gateway.logged(1)
    assert.deepEqual(notes, ['a request', 'b request', 'b response 403', 'a response 403', 'b finish', 'a finish'])
    assert.equal(origin.connections.length, 0)
  }
})

test('heads can be changed in both directions', async (t) => {
  const origin = await startOrigin(
    t,
    answering(({ fields }) => ok(String(fields.find(([name]) => name === 'x-edge')?.[1]), 'Server: secret\r\n')),
  )
  const change: Middleware = {
    request(exchange) {
      exchange.headers.set('x-edge', 'turnpike')
    },
    response(exchange) {
      exchange.response!.headers.delete('server')
      exchange.response!.headers.set('x-seen', 'yes')
      exchange.response!.status = 203
    },
  }
  const { gateway } = await guarded(t, [change], { to: [origin.port] })
  const client = await gateway.connect()
  // The second has heads that came before.
  for (let at = 0; at < 3; at++) {
    client.send(get())
    const reply = await client.reply()
    assert.equal(reply.line, 'HTTP/1.1 203 Non-Authoritative Information')
    assert.deepEqual([reply.body, reply.field('server'), reply.field('x-seen')], ['turnpike', undefined, 'yes'])
  }
})

test('promises are waited for, in both directions, whatever the size of the reply', async (t) => {
  for (const size of [0, 10, 100_000, 3_000_000]) {
    const body = 'x'.repeat(size)
    for (const fields of ['length', 'chunks'] as const) {
      const origin = await startOrigin(
        t,
        answering(({ body: sent }) =>
          fields === 'length'
            ? ok(body + sent)
            : `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size > 0 ? `${size.toString(16)}\r\n${body}\r\n` : ''}${sent.length.toString(16)}\r\n${sent}\r\n0\r\n\r\n`,
        ),
      )
      const slow: Middleware = {
        request: () => later(),
        async response(exchange) {
          await later()
          await later()
          exchange.response!.headers.set('x-late', '1')
        },
      }
      const { gateway } = await guarded(t, [slow, slow], { to: [origin.port] })
      const client = await gateway.connect()
      for (let at = 0; at < 2; at++) {
        client.send(post('tail'))
        const reply = await client.reply()
        assert.equal(reply.body.length, size + 4)
        assert.ok(reply.body.endsWith('tail'))
        assert.equal(reply.field('x-late'), '1')
      }
    }
  }
})

const boom = (): never => {
  throw new Error('boom')
}
const denied = (): never => {
  throw new TurnpikeError('ERR_NO_ROUTE')
}

test('H23 what a hook throws is ERR_MIDDLEWARE, reported once; a TurnpikeError is itself', async (t) => {
  const cases: [Middleware, number, string][] = [
    [{ request: boom }, 500, 'ERR_MIDDLEWARE'],
    [{ request: () => later().then(boom) }, 500, 'ERR_MIDDLEWARE'],
    [{ response: boom }, 500, 'ERR_MIDDLEWARE'],
    [{ response: () => later().then(boom) }, 500, 'ERR_MIDDLEWARE'],
    [{ request: denied }, 404, 'ERR_NO_ROUTE'],
    [{ request: () => later().then(denied) }, 404, 'ERR_NO_ROUTE'],
  ]
  const origin = await startOrigin(t)
  for (const [hooks, status, code] of cases) {
    const notes: string[] = []
    const { gateway, reported } = await guarded(t, [noting('a', notes), hooks], { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get())
    const reply = await client.reply()
    assert.deepEqual([reply.status, reply.body.includes(code)], [status, true])
    assert.equal(reported.length, status === 500 ? 1 : 0)
    assert.equal((await gateway.logged(1))[0]!.cause, code)
    assert.deepEqual(notes, ['a request', `a response ${status}`, 'a finish'])
    // The connection serves on.
    client.send(get())
    assert.equal((await client.reply()).status, status)
  }
})

test('a finish hook that throws is reported, and the others still run', async (t) => {
  const notes: string[] = []
  const origin = await startOrigin(t)
  const bad: Middleware = {
    finish() {
      throw new Error('boom')
    },
  }
  const { gateway, reported } = await guarded(t, [noting('a', notes), bad], { to: [origin.port] })
  assert.equal((await ask(gateway.port, get())).body, 'hello')
  await gateway.logged(1)
  assert.deepEqual([notes.at(-1), reported.length], ['a finish', 1])
})

test('H20 a client that goes while a hook is waited for: nothing goes on, finish is called', async (t) => {
  for (const at of ['request', 'response'] as const) {
    const notes: string[] = []
    const origin = await startOrigin(t)
    const asked = Promise.withResolvers<void>()
    const never: Middleware = {
      [at]() {
        asked.resolve()
        return new Promise<void>(() => {})
      },
    }
    const { gateway } = await guarded(t, [noting('a', notes), never], { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get())
    await asked.promise
    client.socket.resetAndDestroy()
    const [line] = await gateway.logged(1)
    assert.deepEqual([line!.status, line!.cause], [499, 'ERR_CLIENT_ABORT'])
    assert.deepEqual(notes, ['a request', 'a finish'])
  }
})

test('error replies pass the response hooks', async (t) => {
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.reset()
  })
  const page: Middleware = {
    response(exchange) {
      exchange.response!.replaceBody(Buffer.from(`sorry ${exchange.error?.code}`))
    },
  }
  const { gateway } = await guarded(t, [page], { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get())
  const reply = await client.reply()
  assert.deepEqual([reply.status, reply.body], [502, 'sorry ERR_UPSTREAM_CLOSED'])
  client.send('HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  assert.deepEqual([(await client.reply('HEAD')).status, client.text], [502, ''])
})

test('a body that is replaced: a small one is read to its end, of a large one the connection is closed', async (t) => {
  for (const size of [10, 1_000_000]) {
    const origin: Origin = await startOrigin(
      t,
      answering(() => ok('x'.repeat(size))),
    )
    const replace: Middleware = {
      response: (exchange) => exchange.response!.replaceBody(Buffer.from('short')),
    }
    const { gateway } = await guarded(t, [replace], { to: [origin.port] })
    const client = await gateway.connect()
    for (let at = 0; at < 3; at++) {
      client.send(get())
      const reply = await client.reply()
      assert.deepEqual([reply.body, reply.field('content-length')], ['short', '5'])
    }
    assert.equal(origin.connections.length, size === 10 ? 1 : 3)
  }
})

/** Shouts; with `delay`, one piece at a time, a turn later. */
function shout(delay: boolean, cancelled: TurnpikeError[] = []): MakeBodyFilter {
  return (next: BodySink, ready: () => void): BodyFilter => {
    const waiting: (() => void)[] = []
    let over = false
    const step = (run: () => void): void => {
      if (!delay) return run()
      waiting.push(run)
      if (waiting.length > 1) return
      const turn = (): void => {
        if (over) return
        waiting[0]!()
        waiting.shift()
        if (waiting.length > 0) setImmediate(turn)
      }
      setImmediate(turn)
    }
    return {
      write(bytes, start, end) {
        const loud = Buffer.from(bytes.toString('latin1', start, end).toUpperCase())
        let free = true
        step(() => {
          free = next.write(loud, 0, loud.length)
          if (!delay) return
          next.flush()
          if (free) ready()
        })
        return !delay && free
      },
      end: (trailers) =>
        step(() => {
          next.end(trailers)
          if (delay) next.flush()
        }),
      abort: (error) => step(() => next.abort(error)),
      flush: () => {
        if (!delay) next.flush()
      },
      resume: () => ready(),
      cancel(error) {
        over = true
        cancelled.push(error)
      },
    }
  }
}

test('a body goes through filters, with backpressure, from upstreams and from replies made here', async (t) => {
  for (const size of [0, 5, 100_000, 3_000_000]) {
    for (const delay of [false, true]) {
      const origin = await startOrigin(
        t,
        answering(() => ok('x'.repeat(size))),
      )
      const filter: Middleware = { response: (exchange) => exchange.response!.filter(shout(delay)) }
      const here: Middleware = {
        request: (exchange) => (exchange.target === '/here' ? text('y'.repeat(size)) : undefined),
      }
      const { gateway } = await guarded(t, [filter, filter, here], { to: [origin.port] })
      const client = await gateway.connect()
      for (const [path, letter] of [
        ['/', 'X'],
        ['/here', 'Y'],
        ['/', 'X'],
      ] as const) {
        client.send(get('', path))
        const { body, fields } = await client.reply()
        assert.equal(body === letter.repeat(size), true, `${size} ${delay} ${path} ${body.length}`)
        if (size > 0) assert.ok(fields.some(([name]) => name === 'transfer-encoding'))
      }
    }
  }
})

test('H20 a filter is told when its client goes, and when its upstream breaks off', async (t) => {
  for (const end of ['client', 'upstream'] as const) {
    const cancelled: TurnpikeError[] = []
    const origin = await startOrigin(t, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
    })
    const filter: Middleware = { response: (exchange) => exchange.response!.filter(shout(false, cancelled)) }
    const { gateway } = await guarded(t, [filter], { to: [origin.port] })
    const client = await gateway.connect()
    client.send(get())
    await client.until((peer) => peer.text.includes('ABC'), 'the first bytes')
    if (end === 'client') client.socket.destroy()
    else origin.connections[0]!.reset()
    const [line] = await gateway.logged(1)
    assert.equal(line!.cause, end === 'client' ? 'ERR_CLIENT_ABORT' : 'ERR_UPSTREAM_ABORT')
    assert.equal(cancelled.length, 1)
    if (end === 'upstream') assert.equal(await client.over(), 'reset')
  }
})

test('H16 an upgrade passes the hooks, and finish comes at the end of the tunnel', async (t) => {
  const notes: string[] = []
  const origin = await startOrigin(t, async (connection) => {
    await connection.request()
    connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi')
  })
  const mark: Middleware = {
    response: (exchange: Exchange) => exchange.response!.headers.set('x-seen', 'yes'),
  }
  const { gateway } = await guarded(t, [noting('a', notes, mark)], { to: [origin.port] })
  const client = await gateway.connect()
  client.send(get('Connection: upgrade\r\nUpgrade: websocket\r\n'))
  assert.equal((await client.reply()).field('x-seen'), 'yes')
  await client.until((peer) => peer.text === 'hi', 'bytes of the tunnel')
  assert.deepEqual(notes, ['a request', 'a response 101'])
  client.socket.resetAndDestroy()
  await gateway.logged(1)
  assert.deepEqual(notes.at(-1), 'a finish')
})
