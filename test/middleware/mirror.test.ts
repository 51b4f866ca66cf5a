import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { z } from 'zod'
import type { ConfigInput } from '../../src/config/config.ts'
import { loadConfigObject } from '../../src/config/load.ts'
import type { mirrorOptions } from '../../src/middleware/mirror/config.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { answering, ok, startOrigin, type Origin } from '../support/origin.ts'
import { ask, get, post } from '../support/raw-client.ts'

type MirrorInput = Omit<z.input<typeof mirrorOptions>, 'to'>

interface Mirrored {
  gateway: TestGateway
  origin: Origin
  shadow: Origin
  events: () => Record<string, number>
}

async function mirrored(
  t: TestContext,
  mirror: MirrorInput = {},
  shadowScript?: Parameters<typeof startOrigin>[1],
): Promise<Mirrored> {
  const origin = await startOrigin(
    t,
    answering(() => ok('original')),
  )
  const shadow = await startOrigin(t, shadowScript ?? answering(() => ok('copy')))
  const gateway = await startGateway(t, {
    config: {
      middlewares: { shadow: { mirror: { to: 'shadow', ...mirror } } },
      gateway: {
        use: ['shadow'],
        routes: [{ name: 'all', to: 'app' }],
        upstreams: {
          app: { endpoints: [origin.url] },
          shadow: { endpoints: [shadow.url], timeouts: { connect: '1s' } },
        },
      },
    },
  })
  const { ledger, middlewareEvents } = gateway.turnpike.services
  t.after(() => gateway.when(() => ledger.count('mirrors') === 0, 'the copies to be over'))
  return {
    gateway,
    origin,
    shadow,
    events: () => Object.fromEntries([...middlewareEvents].map(({ event, count }) => [event, count])),
  }
}

describe('mirror', () => {
  test('the copy is the same request, its reply is dropped, and neither log nor metrics count it', async (t) => {
    const { gateway, origin, shadow, events } = await mirrored(t)
    const { port, turnpike } = gateway
    assert.equal((await ask(port, get('X-Tenant: a\r\n', '/v1?x=1'))).body, 'original')
    assert.equal((await ask(port, post('some body', 'Expect: 100-continue\r\n', '/v2'))).body, 'original')
    await gateway.when(() => shadow.requests.length === 2, 'both copies')
    for (const [index, original] of origin.requests.entries()) {
      const copy = shadow.requests.find(({ line }) => line === original.line)!
      assert.equal(copy.body, original.body)
      const fields = (message: typeof copy): string[] =>
        message.fields
          .filter(([name]) => name !== 'expect')
          .map((field) => field.join(': '))
          .toSorted()
      assert.deepEqual(fields(copy), fields(original), String(index))
    }
    await gateway.when(() => turnpike.services.ledger.count('mirrors') === 0, 'the copies to be over')
    assert.deepEqual(events(), { mirrored: 2, skipped: 0, failed: 0 })
    assert.equal((await gateway.logged(2)).length, 2)
    assert.equal(
      turnpike.metrics.series.some(({ upstream }) => upstream === 'shadow'),
      false,
    )
  })

  test('a share of the requests, by chance', async (t) => {
    const { gateway, events } = await mirrored(t, { share: '25%' })
    let chance = 0
    gateway.turnpike.services.world.random = () => (chance++ % 4) / 4
    for (let count = 0; count < 8; count++) await ask(gateway.port, get())
    assert.equal(events()['mirrored'], 2)
  })

  test('a shadow that answers nothing, or is not there, holds nobody up', async (t) => {
    const silent = await mirrored(t, { timeout: '100ms' }, () => {})
    assert.equal((await ask(silent.gateway.port, get())).body, 'original')
    await silent.gateway.when(() => silent.events()['failed'] === 1, 'the copy to be given up')
    const absent = await mirrored(t, {}, (connection) => connection.reset())
    assert.equal((await ask(absent.gateway.port, get())).body, 'original')
    await absent.gateway.when(() => absent.events()['failed'] === 1, 'the copy to fail')
  })

  test('a reply without end is cut off', async (t) => {
    const { gateway, shadow, events } = await mirrored(t, {}, async (connection) => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\n\r\n')
      while (!connection.closed && connection.socket.write(Buffer.alloc(16 * 1024, 'x')))
        await new Promise((resolve) => setImmediate(resolve))
    })
    assert.equal((await ask(gateway.port, get())).body, 'original')
    await (await shadow.connection(0)).until(({ closed }) => closed, 'the connection to be closed')
    assert.deepEqual(events(), { mirrored: 1, skipped: 0, failed: 0 })
  })

  test('at most maxInFlight copies at once', async (t) => {
    const { gateway, shadow, events } = await mirrored(t, { maxInFlight: 2 }, () => {})
    for (let count = 0; count < 5; count++) assert.equal((await ask(gateway.port, get())).status, 200)
    assert.deepEqual(events(), { mirrored: 2, skipped: 3, failed: 0 })
    await shadow.connection(1)
    for (const each of shadow.connections) each.reset()
  })

  test('larger bodies than maxBody reach the origin alone, announced or not', async (t) => {
    const { gateway, origin, shadow, events } = await mirrored(t, { maxBody: '1KiB' })
    const body = 'x'.repeat(2_000)
    assert.equal((await ask(gateway.port, post(body))).body, 'original')
    const chunked = `POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    assert.equal((await ask(gateway.port, chunked)).body, 'original')
    const small = `POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`
    assert.equal((await ask(gateway.port, small)).body, 'original')
    await gateway.when(() => shadow.requests.length === 1, 'the copy')
    assert.deepEqual(
      origin.requests.map((request) => request.body.length),
      [2_000, 2_000, 3],
    )
    assert.equal(shadow.requests[0]!.body, 'abc')
    assert.deepEqual(events(), { mirrored: 1, skipped: 2, failed: 0 })
  })

  test('a client that goes in the middle of its body takes the copy with it', async (t) => {
    const { gateway, origin, events } = await mirrored(t)
    const client = await gateway.connect()
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nhalf')
    await origin.connection(0)
    assert.equal(gateway.count('mirrors'), 1)
    client.reset()
    await gateway.logged(1)
    assert.equal(gateway.count('mirrors'), 0)
    assert.deepEqual(events(), { mirrored: 0, skipped: 1, failed: 0 })
  })

  test('a stop ends the copies that are on their way', async (t) => {
    const { gateway, shadow } = await mirrored(t, {}, () => {})
    await ask(gateway.port, get())
    await shadow.connection(0)
    assert.equal(gateway.count('mirrors'), 1)
    await gateway.turnpike.stop(0)
    assert.equal(gateway.count('mirrors'), 0)
  })

  test('an upstream that does not exist is an error at its place', async () => {
    const config: ConfigInput = {
      listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
      gateway: {
        use: [{ mirror: { to: 'shaddow' } }],
        routes: [{ name: 'a', to: 'shadow' }],
        upstreams: { shadow: { endpoints: ['http://127.0.0.1:1'] } },
      },
    }
    await assert.rejects(
      loadConfigObject(config),
      /gateway\.use\[0\]\.mirror\.to: there is no upstream "shaddow" \(did you mean "shadow"\?\)/,
    )
  })
})
