import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TurnpikeError } from '../../core/error.ts'
import { Pattern } from '../../core/pattern.ts'
import type { RedirectConfig } from './config.ts'
import { normalisePath } from '../../policy/normalise-path.ts'
import { PathMatcher } from './path-matcher.ts'
import { RedirectTarget } from './redirect.ts'

function location(config: Partial<RedirectConfig>, target: string, path = '/**', host = 'a.example.com'): string {
  const normal = normalisePath(target)
  const request = { session: { scheme: 'http' }, host, path: normal.path, query: normal.query } as const
  return new RedirectTarget({ status: 308, ...config }).location(request, new PathMatcher(path), normal.matchPath)
}

test('a redirect replaces parts of the request’s own URL', () => {
  assert.equal(location({ scheme: 'https' }, '/a;x/../b?c'), 'https://a.example.com/b?c')
  assert.equal(location({ scheme: 'https', port: 8443 }, '/a;x'), 'https://a.example.com:8443/a;x')
  assert.equal(location({ host: 'b.example.com' }, '/a'), 'http://b.example.com/a')
  assert.equal(location({ path: '/new/{id}' }, '/old/7?q', '/old/{id}'), '/new/7?q')
  assert.equal(location({ to: '/x' }, '*'), '/x')
  assert.equal(location({ scheme: 'https' }, '*'), 'https://a.example.com/')
})

test('a redirect to the request’s host needs one', () => {
  assert.throws(
    () => location({ scheme: 'https' }, '/', '/**', ''),
    (error) => error instanceof TurnpikeError && error.code === 'ERR_HOST',
  )
})

test('whatever the request, its captures and query neither break the field nor leave the host', () => {
  const matcher = new PathMatcher({ regex: new Pattern('^(/.*)$') })
  const character = fc.constantFrom(
    ...'/ \\ . % %2f %0d %0a %5c %40 @ : ; ? # & = + < > " \r \n \xe9 a evil.example'.split(' '),
  )
  let filled = 0
  fc.assert(
    fc.property(fc.array(character, { maxLength: 10 }), (parts) => {
      let normal
      try {
        normal = normalisePath(`/${parts.join('')}`)
      } catch {
        return
      }
      filled++
      const request = { session: { scheme: 'http' }, host: 'h', path: normal.path, query: normal.query } as const
      for (const to of ['/{1}', 'https://safe.example/{1}', '/x?to={1}']) {
        const found = new RedirectTarget({ status: 308, to }).location(request, matcher, normal.matchPath)
        assert.match(found, /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/)
        const url = new URL(found, 'https://safe.example/')
        assert.equal(url.host, 'safe.example')
        if (to.includes('?')) assert.deepEqual([...url.searchParams.keys()], ['to'])
      }
    }),
  )
  assert.ok(filled > 10)
})
