import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parentSchema } from './config.ts'
import { Parents } from './parents.ts'

const of = (...inputs: [string, unknown][]) =>
  new Parents(Object.fromEntries(inputs.map(([name, input]) => [name, parentSchema.parse(input)])))

const key = (input: object): string => of(['p', { url: 'http://p.example:1', ...input }]).route(['p'])!.key

test('a route leads through its parents in order, without those that a host is excepted from', () => {
  const parents = of(
    ['near', { url: 'http://near.example:3128', except: ['*.internal.example', 'plain.example', '10.0.0.0/8', '::1'] }],
    ['far', { url: 'socks5://far.example', username: 'a', password: 'b' }],
  )
  const route = parents.route(['near', 'far'])!
  const names = (host: string) => route.to(host).map(({ name }) => name)
  assert.deepEqual(names('www.example'), ['near', 'far'])
  for (const host of ['a.internal.example', 'A.Internal.Example.', 'plain.example', '10.1.2.3', '::1'])
    assert.deepEqual(names(host), ['far'], host)
  assert.deepEqual(names('internal.example'), ['near', 'far'])
  assert.deepEqual(names('not-plain.example'), ['near', 'far'])
  assert.deepEqual(
    route.to('x').map(({ kind, host, port }) => [kind, host, port]),
    [
      ['http', 'near.example', 3128],
      ['socks5', 'far.example', 1080],
    ],
  )
  assert.equal(parents.route([]), null)
  assert.throws(() => parents.route(['nobody']), RangeError)
})

test('routes share connections only where everything about their parents is the same', () => {
  assert.equal(key({}), key({}))
  assert.notEqual(key({}), key({ username: 'a' }))
  assert.notEqual(key({ username: 'a', password: 'x' }), key({ username: 'a', password: 'y' }))
  assert.notEqual(key({}), key({ except: ['a'] }))
})

test('what is no proxy is refused, and credentials in a URL do not show', () => {
  for (const [url, message] of [
    ['ftp://x', /is no proxy/],
    ['proxy:3128', /is no proxy/],
    ['http://', /is no proxy/],
    ['http://x/path', /more than a host/],
    ['http://user:hunter2@x', /holds credentials/],
  ] as const) {
    const { error } = parentSchema.safeParse({ url })
    assert.match(error!.message, message, url)
    assert.doesNotMatch(error!.message, /hunter2/)
  }
})
