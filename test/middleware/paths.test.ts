import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ask, get } from '../support/raw-client.ts'
import { through, type Use } from './through.ts'

/** The request line's target that the service gets, or the status where it gets none. */
async function forwarded(
  t: TestContext,
  use: Use,
  targets: readonly string[],
  fields = '',
  trustedProxies = ['127.0.0.1/32'],
): Promise<(string | number)[]> {
  const { gateway, origin } = await through(t, use, undefined, { trustedProxies })
  const found: (string | number)[] = []
  for (const target of targets) {
    const { status } = await ask(gateway.port, get(fields, target))
    found.push(status === 200 ? origin.requests.at(-1)!.line.split(' ')[1]! : status)
    if (status === 200) prefixes.set(target, origin.requests.at(-1)!.field('x-forwarded-prefix'))
  }
  return found
}

const prefixes = new Map<string, string | undefined>()

describe('stripPrefix', () => {
  test('W16 strips whole segments alone, and leaves a slash where nothing remains', async (t) => {
    const targets = ['/live', '/live/', '/live/a/b?x=/live', '/liver', '/liver/a', '/a/live', '/', '/live/live']
    assert.deepEqual(await forwarded(t, [{ stripPrefix: { prefix: '/live' } }], targets), [
      '/',
      '/',
      '/a/b?x=/live',
      '/liver',
      '/liver/a',
      '/a/live',
      '/',
      '/live',
    ])
    assert.equal(prefixes.get('/live/a/b?x=/live'), '/live')
    assert.equal(prefixes.get('/liver'), undefined)
  })

  test('takes the same segments in another spelling', async (t) => {
    const targets = ['/%6Cive/a', '/live;v=1/a', '/a%3Ab/live', '/live%2Fa', '/live/../live/a']
    assert.deepEqual(await forwarded(t, [{ stripPrefix: { prefix: '/live' } }], targets), [
      '/a',
      '/a',
      '/a%3Ab/live',
      '/live%2Fa',
      '/a',
    ])
    assert.deepEqual(await forwarded(t, [{ stripPrefix: { prefix: '/a:b' } }], ['/a%3Ab/c', '/a:b']), ['/c', '/'])
  })

  test('names what was stripped: after what a trusted proxy says, one behind the other', async (t) => {
    const two: Use = [{ stripPrefix: { prefix: '/a' } }, { stripPrefix: { prefix: '/b' } }]
    assert.deepEqual(await forwarded(t, two, ['/a/b/c'], 'X-Forwarded-Prefix: /outer\r\n'), ['/c'])
    assert.equal(prefixes.get('/a/b/c'), '/outer/a/b')
    assert.deepEqual(await forwarded(t, two, ['/a/b/d'], 'X-Forwarded-Prefix: //evil.test\r\n'), ['/d'])
    assert.equal(prefixes.get('/a/b/d'), '/a/b')
    assert.deepEqual(await forwarded(t, two, ['/a/b/e'], 'X-Forwarded-Prefix: /outer\r\n', []), ['/e'])
    assert.equal(prefixes.get('/a/b/e'), '/a/b')
  })
})

describe('rewrite', () => {
  test('a path pattern: captures go where they are named, the query stays', async (t) => {
    const use: Use = [{ rewrite: { match: '/v1/{kind}/{rest...}', path: '/api/{rest}/of/{kind}' } }]
    const targets = ['/v1/users/7/posts?x={kind}', '/v1/users', '/v1', '/v2/users/7', '/v1/a%20b/c']
    assert.deepEqual(await forwarded(t, use, targets), [
      '/api/7/posts/of/users?x={kind}',
      '/api/of/users',
      '/v1',
      '/v2/users/7',
      '/api/c/of/a%20b',
    ])
  })

  test('a regular expression, by name and by number', async (t) => {
    const use: Use = [
      { rewrite: { match: { regex: '^/(\\d+)-(?P<slug>[a-z-]+)\\.html$' }, path: '/posts/{1}/{slug}' } },
    ]
    assert.deepEqual(await forwarded(t, use, ['/12-hello-you.html', '/12-.html']), ['/posts/12/hello-you', '/12-.html'])
  })

  test('a whole subtree to one path; literals are no regular expressions', async (t) => {
    assert.deepEqual(
      await forwarded(t, [{ rewrite: { match: '/app.v1/**', path: '/index.html' } }], ['/app.v1/x/y', '/appxv1/x']),
      ['/index.html', '/appxv1/x'],
    )
  })

  test('what captures make together is no other host, and climbs nowhere', async (t) => {
    const joined: Use = [{ rewrite: { match: { regex: '^/(.)/(.+)$' }, path: '/x/{1}{1}/{2}' } }]
    const targets = ['/./a', '/a/b', '/-/..%2fetc', '/%2e/a/b']
    assert.deepEqual(await forwarded(t, joined, targets), ['/a', '/x/aa/b', 400, '/x/aa/b'])
    const dots: Use = [{ rewrite: { match: { regex: '^/dot/(\\.)x(.*)$' }, path: '/{1}{1}/{2}' } }]
    assert.deepEqual(await forwarded(t, dots, ['/dot/.x/etc']), [400])
    const front: Use = [{ rewrite: { match: '/go/{rest...}', path: '/{rest}' } }]
    assert.deepEqual(await forwarded(t, front, ['/go//evil.test/', '/go', '/go/']), ['/evil.test/', '/', '/'])
  })
})
