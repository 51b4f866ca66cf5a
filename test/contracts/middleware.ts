import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/errors.ts'
import { loadConfigObject } from '../../src/config/load.ts'
import type { MiddlewareKind } from '../../src/config/middleware-schemas.ts'
import type { Exchange } from '../../src/engine/exchange.ts'
import { ledgerKinds } from '../../src/engine/ledger.ts'
import type { Middleware, MiddlewareDefinition } from '../../src/engine/middleware/middleware.ts'
import { middlewareLoaders } from '../../src/middleware-definitions.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import type { MiddlewareSample } from './middleware-samples.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const websocket = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

/** What every kind of middleware keeps, whatever it does: driven from a client to a service, over a gateway that uses it. */
export function middlewareContract(kind: MiddlewareKind, sample: MiddlewareSample): void {
  const fields = sample.fields ?? ''
  const get = (path: string, more = '', method = 'GET') =>
    `${method} /a/${path} HTTP/1.1\r\nHost: a.test\r\n${fields}${more}\r\n`

  describe(`middleware ${kind}`, () => {
    test('passes requests that come one after the other, and all at once', async (t) => {
      const { client, calls, gateway } = await start(t, kind, sample)
      for (let round = 0; round < 3; round++) {
        client.send(get(`${round}`))
        assert.equal(bodyOf(await client.reply()), 'hello')
      }
      client.send(get('3') + get('4') + get('5'))
      for (let round = 3; round < 6; round++) assert.equal(bodyOf(await client.reply()), 'hello')
      await gateway.logged(6)
      calls.check(6)
    })

    test('passes a body on', async (t) => {
      const { client, origin, calls, gateway } = await start(t, kind, sample)
      client.send(`${get('b', 'Content-Length: 5\r\n', 'POST')}small`)
      assert.equal((await client.reply()).status, 200)
      client.send(`${get('b', 'Transfer-Encoding: chunked\r\n', 'POST')}5\r\nsmall\r\n0\r\n\r\n`)
      assert.equal((await client.reply()).status, 200)
      assert.deepEqual(
        origin.requests.map(({ body }) => body),
        ['small', 'small'],
      )
      await gateway.logged(2)
      calls.check(2)
    })

    test('passes HEAD, 304 and 204, which have no body', async (t) => {
      const { client, calls, gateway } = await start(t, kind, sample)
      client.send(get('head', '', 'HEAD') + get('not-modified') + get('empty') + get('after'))
      assert.equal((await client.reply('HEAD')).status, 200)
      assert.equal((await client.reply()).status, 304)
      assert.equal((await client.reply()).status, 204)
      assert.equal(bodyOf(await client.reply()), 'hello')
      await gateway.logged(4)
      calls.check(4)
    })

    test('passes 101, and what follows', async (t) => {
      const { client, origin, calls, gateway } = await start(t, kind, sample)
      client.send(get('upgrade', websocket))
      assert.equal((await client.reply()).status, 101)
      client.send('ping')
      await origin.connections[0]!.until(({ text }) => text === 'ping', 'the tunnel')
      origin.connections[0]!.send('pong')
      await client.until(({ text }) => text === 'pong', 'the tunnel')
      client.end()
      origin.connections[0]!.end()
      await gateway.logged(1)
      calls.check(1)
    })

    test('passes errors of the upstream and of Turnpike', async (t) => {
      const { client, calls, gateway } = await start(t, kind, sample)
      client.send(get('broken'))
      assert.equal((await client.reply()).status, 503)
      client.send(get('cut'))
      const error = await client.reply()
      assert.equal(error.status, 502)
      assert.match(error.field('proxy-status') ?? '', /ERR_UPSTREAM_CLOSED/)
      await gateway.logged(2)
      calls.check(2)
    })

    for (const phase of ['body of the request', 'head', 'body'] as const) {
      test(`a client that goes away during the ${phase} leaves nothing behind`, async (t) => {
        const { client, origin, calls, gateway } = await start(t, kind, sample)
        if (phase === 'body of the request') {
          client.send(`${get('slow', 'Content-Length: 500\r\n', 'POST')}some`)
          await (await origin.connection(0)).until(({ text }) => text.endsWith('some'), 'the beginning of the body')
        } else {
          client.send(get(phase === 'head' ? 'slow' : 'drip'))
          await origin.connection(0)
          if (phase === 'body') await client.until(({ text }) => text.includes('\r\n\r\n'), 'a reply head')
          else await gateway.when(() => origin.requests.length === 1, 'the request')
        }
        client.reset()
        const [line] = await gateway.logged(1)
        assert.equal(line!.cause, 'ERR_CLIENT_ABORT')
        calls.check(1)
        await gateway.when(() => origin.connections[0]!.closed || origin.connections[0]!.ended, 'the upstream to hear')
      })
    }

    test('ends with its scope: no timer, task or state is left', async (t) => {
      const { client, gateway } = await start(t, kind, sample)
      client.send(get('1'))
      await client.reply()
      client.socket.destroy()
      await gateway.turnpike.stop()
      const { ledger } = gateway.turnpike.services
      const live = () => ledgerKinds.filter((each) => ledger.count(each) !== 0)
      // A destroyed socket says that it is closed a turn later.
      await gateway.when(() => live().length === 0, 'all to end').catch(() => {})
      assert.deepEqual(live(), [])
    })

    test('an option that is wrong is refused with its place', async () => {
      const { options, at, message } = sample.bad
      const error = await loadConfigObject(
        configWith(kind, options, ['http://127.0.0.1:9', 'http://127.0.0.1:9']),
      ).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof ConfigError, String(error))
      const [problem] = error.problems
      assert.ok(problem!.message.startsWith(`middlewares.sample.${kind}.${at}: `), problem!.message)
      assert.match(problem!.message, message)
    })
  })
}

function configWith(kind: MiddlewareKind, options: object, [app, other]: [app: string, other: string]): ConfigInput {
  return {
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    middlewares: { sample: { [kind]: options } },
    gateway: {
      use: ['sample'],
      routes: [{ name: 'all', to: 'app' }],
      upstreams: { app: { endpoints: [app] }, other: { endpoints: [other] } },
    },
    admin: 'off',
    log: { access: 'off' },
  }
}

async function start(
  t: TestContext,
  kind: MiddlewareKind,
  { options }: MiddlewareSample,
): Promise<{ client: RawPeer; origin: Origin; gateway: TestGateway; calls: Calls }> {
  const origin = await startOrigin(t, service)
  const other = await startOrigin(t)
  const calls = new Calls(t, await middlewareLoaders[kind]())
  const gateway = await startGateway(t, { config: configWith(kind, options, [origin.url, other.url]) })
  return { client: await gateway.connect(), origin, gateway, calls }
}

/** Does what the end of the path says. */
async function service(connection: RawPeer, origin: Origin): Promise<void> {
  for (;;) {
    await connection.until(({ text, ended, closed }) => text.includes('\r\n\r\n') || ended || closed, 'a head', 60_000)
    const path = /^\S+ (\S+) /.exec(connection.text)?.[1]
    if (path === undefined || (path.endsWith('/slow') && connection.text.startsWith('POST'))) return
    const request = await connection.request()
    if (request === null) return
    origin.requests.push(request)
    if (path.endsWith('/slow')) return
    if (path.endsWith('/cut')) return connection.end()
    connection.send(replyTo(path))
    if (path.endsWith('/drip') || path.endsWith('/upgrade')) return
  }
}

function replyTo(path: string): string {
  if (path.endsWith('/drip')) return 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\npart'
  if (path.endsWith('/upgrade')) return switching
  if (path.endsWith('/not-modified')) return 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
  if (path.endsWith('/empty')) return 'HTTP/1.1 204 No Content\r\n\r\n'
  const status = path.endsWith('/broken') ? '503 Service Unavailable' : '200 OK'
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nServer: app\r\nContent-Length: 5\r\n\r\n`
  return path.endsWith('/head') ? head : `${head}hello`
}

function bodyOf(reply: { status: number; body: string }): string {
  assert.equal(reply.status, 200)
  return reply.body
}

/** Counts the hooks that the engine calls, each with its exchange. */
class Calls {
  private readonly requests: Exchange[] = []
  private readonly responses: Exchange[] = []
  private readonly finishes: Exchange[] = []

  constructor(t: TestContext, definition: MiddlewareDefinition) {
    const create = definition.create.bind(definition)
    t.mock.method(definition, 'create', (...args: Parameters<typeof create>): Middleware => {
      const made = create(...args)
      return {
        request: (exchange) => {
          this.requests.push(exchange)
          return made.request?.(exchange)
        },
        response: (exchange) => {
          this.responses.push(exchange)
          return made.response?.(exchange)
        },
        finish: (exchange) => {
          this.finishes.push(exchange)
          made.finish?.(exchange)
        },
      }
    })
  }

  /** So many exchanges: each was shown once on its way in, at most once on its way out, and once at its end. */
  check(exchanges: number): void {
    assert.equal(this.requests.length, exchanges)
    assert.equal(new Set(this.requests).size, exchanges)
    assert.equal(new Set(this.responses).size, this.responses.length)
    assert.deepEqual(new Set(this.finishes), new Set(this.requests))
    assert.equal(this.finishes.length, exchanges)
  }
}
