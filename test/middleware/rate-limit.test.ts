import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { z } from 'zod'
import type { ConfigInput } from '../../src/config/config.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask, get } from '../support/raw-client.ts'
import type { rateLimitOptions } from '../../src/middleware/rate-limit/config.ts'
import { addressPrefix } from '../../src/policy/address-prefix.ts'

type Use = NonNullable<NonNullable<ConfigInput['gateway']>['use']>
type RateLimitInput = z.input<typeof rateLimitOptions>

async function limited(
  t: TestContext,
  middlewares: Record<string, RateLimitInput>,
  options: { fields?: string; use?: Use } = {},
): Promise<TestGateway> {
  const origin = await startOrigin(
    t,
    answering(() => ok('hello', options.fields)),
  )
  return startGateway(t, {
    config: {
      middlewares: Object.fromEntries(Object.entries(middlewares).map(([name, rateLimit]) => [name, { rateLimit }])),
      trustedProxies: ['127.0.0.1/32'],
      gateway: {
        use: options.use ?? Object.keys(middlewares),
        routes: [
          { name: 'a', match: { path: '/a' }, to: 'app' },
          { name: 'b', match: { path: '/b' }, to: 'app' },
        ],
        upstreams: { app: { endpoints: [origin.url] } },
      },
    },
  })
}

const fieldsOf = (reply: Message): Record<string, string | undefined> =>
  Object.fromEntries(
    [
      'ratelimit',
      'ratelimit-policy',
      'retry-after',
      'x-ratelimit-limit',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
    ].map((name) => [name, reply.field(name)]),
  )

const from = (address: string, fields = ''): string => get(`X-Forwarded-For: ${address}\r\n${fields}`, '/a')

const asked = async ({ port }: TestGateway): Promise<number[]> => {
  const statuses = []
  for (const path of ['/a', '/b', '/a', '/none']) statuses.push((await ask(port, get('', path))).status)
  return statuses
}

describe('rateLimit', () => {
  test('W19 every reply says what is left, a refusal when to come back', async (t) => {
    const gateway = await limited(t, { 'per-client': { rate: '2/m', burst: 3 } })
    const { port, turnpike } = gateway
    const replies = []
    for (let count = 0; count < 4; count++) replies.push(await ask(port, from('10.0.0.1')))
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200, 429],
    )
    assert.deepEqual(fieldsOf(replies[0]!), {
      ratelimit: '"per-client";r=2;t=30',
      'ratelimit-policy': '"per-client";q=3;w=90',
      'retry-after': undefined,
      'x-ratelimit-limit': '3',
      'x-ratelimit-remaining': '2',
      'x-ratelimit-reset': '30',
    })
    assert.deepEqual(fieldsOf(replies[3]!), {
      ratelimit: '"per-client";r=0;t=30',
      'ratelimit-policy': '"per-client";q=3;w=90',
      'retry-after': '30',
      'x-ratelimit-limit': '3',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '90',
    })
    assert.match(replies[3]!.field('proxy-status')!, /ERR_RATE_LIMITED/)
    assert.match(replies[3]!.body, /ERR_RATE_LIMITED/)
    assert.equal((await gateway.logged(4))[3]!.cause, 'ERR_RATE_LIMITED')
    assert.deepEqual(
      [...turnpike.services.middlewareEvents],
      [{ middleware: 'per-client', event: 'limited', count: 1 }],
    )
    assert.equal((await ask(port, from('10.0.0.2'))).status, 200, 'another client')
  })

  test('tokens come back with time', async (t) => {
    const { port, turnpike } = await limited(t, { fast: { rate: '20/s', burst: 1 } })
    const { world } = turnpike.services
    const start = world.now()
    let served = 0
    while (served < 5) if ((await ask(port, get('', '/a'))).status === 200) served++
    assert.ok(world.now() - start >= 4 * 50, `5 requests in ${world.now() - start} ms`)
  })

  test('a refusal says when to come back, also where a token comes before it has left', async (t) => {
    const { port, turnpike } = await limited(t, { fast: { rate: '100/s', burst: 1 } })
    const { world, middlewareEvents } = turnpike.services
    const now = world.now.bind(world)
    const start = now()
    // The clock stands still until a request is refused, and jumps two tokens ahead then.
    world.now = () => start + [...middlewareEvents][0]!.count * 20
    assert.equal((await ask(port, get('', '/a'))).status, 200)
    const refused = await ask(port, get('', '/a'))
    assert.equal(refused.status, 429)
    assert.equal(refused.field('retry-after'), '1')
    assert.equal(refused.field('ratelimit'), '"fast";r=1;t=0')
    world.now = now
  })

  test('an IPv6 customer is one client, whatever the last 64 bits', async (t) => {
    const { port } = await limited(t, { one: { rate: '1/h' } })
    assert.equal((await ask(port, from('2001:db8:1:2::1'))).status, 200)
    assert.equal((await ask(port, from('2001:db8:1:2:ffff::9'))).status, 429)
    assert.equal((await ask(port, from('2001:db8:1:3::1'))).status, 200)
    assert.equal(addressPrefix('2001:db8:1:2:3:4:5:6', 56), '20010db8000100000000000000000000/56')
    assert.equal(addressPrefix('2001:db8::1', 128), '20010db8000000000000000000000001/128')
    assert.equal(addressPrefix('2001:db8:ffff::1', 33), '20010db8800000000000000000000000/33')
    assert.equal(addressPrefix('::ffff:10.1.2.3', 64), '10.1.2.3')
    assert.equal(addressPrefix('10.1.2.3', 64), '10.1.2.3')
  })

  test('by route, by all together', async (t) => {
    const byRoute = await limited(t, { each: { rate: '1/h', by: 'route' } })
    assert.deepEqual(await asked(byRoute), [200, 200, 429, 404])
    const all = await limited(t, { all: { rate: '2/h', by: 'global' } })
    assert.deepEqual(await asked(all), [200, 200, 429, 429])
  })

  test('by a header, without it by the client address, which no header value can be', async (t) => {
    const { port } = await limited(
      t,
      { keyed: { rate: '1/h', by: { header: 'X-API-Key' } } },
      { use: ['keyed', { headers: { request: { remove: ['x-api-key'] } } }] },
    )
    const keyed = (key: string): Promise<Message> => ask(port, from('10.0.0.1', `X-Api-Key: ${key}\r\n`))
    const first = await keyed('one')
    assert.equal(first.status, 200)
    assert.equal(first.field('x-ratelimit-remaining'), '0', 'although the field was taken away behind it')
    assert.equal((await keyed('one')).status, 429)
    assert.equal((await keyed('two')).status, 200)
    assert.equal((await keyed('10.0.0.1')).status, 200)
    assert.equal((await ask(port, from('10.0.0.1'))).status, 200)
    assert.equal((await ask(port, from('10.0.0.1'))).status, 429)
    assert.equal((await ask(port, from('10.0.0.2'))).status, 200)
    const long = 'k'.repeat(5_000)
    assert.equal((await keyed(`${long}1`)).status, 200)
    assert.equal((await keyed(`${long}2`)).status, 200)
    assert.equal((await keyed(`${long}1`)).status, 429)
  })

  test('several limits: each says its own, the nearest one speaks for the older fields', async (t) => {
    const { port } = await limited(
      t,
      { wide: { rate: '100/h', by: 'global' }, narrow: { rate: '1/h' } },
      { fields: 'X-RateLimit-Limit: 9\r\nX-RateLimit-Remaining: 5\r\nX-RateLimit-Reset: 7\r\n' },
    )
    const reply = await ask(port, get('', '/a'))
    assert.equal(reply.field('ratelimit'), '"narrow";r=0;t=3600, "wide";r=99;t=36')
    assert.equal(reply.field('ratelimit-policy'), '"narrow";q=1;w=3600, "wide";q=100;w=3600')
    assert.equal(reply.field('x-ratelimit-limit'), '1')
    assert.equal(reply.field('x-ratelimit-remaining'), '0')
    const refused = await ask(port, get('', '/a'))
    assert.equal(refused.status, 429)
    assert.equal(refused.field('retry-after'), '3600')
    assert.equal(refused.field('x-ratelimit-remaining'), '0')
  })

  test('of an origin and us, the nearer limit speaks', async (t) => {
    const { port } = await limited(t, { wide: { rate: '100/h' } }, { fields: 'X-RateLimit-Remaining: 5\r\n' })
    const reply = await ask(port, get('', '/a'))
    assert.equal(reply.field('x-ratelimit-remaining'), '5')
    assert.equal(reply.field('x-ratelimit-limit'), undefined)
  })
})
