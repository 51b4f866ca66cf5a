import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pattern } from '../../core/pattern.ts'
import type { RouteSpec } from './route.ts'
import { Router } from './router.ts'
import { shadowedRoutes } from './shadowed-routes.ts'

type Draft = [match: RouteSpec['match'], priority?: number]

function isShadowed([narrow, low = 0]: Draft, [wide, high = 1]: Draft): boolean {
  const specs = [
    { name: 'wide', match: wide, priority: high },
    { name: 'narrow', match: narrow, priority: low },
  ]
  const found = shadowedRoutes(Router.compile(specs, () => null).routes)
  assert.ok(found.length <= 1)
  return found[0]?.route.name === 'narrow' && found[0].by.name === 'wide'
}

test('a route is shadowed where another that wins matches whatever it matches', () => {
  const regex = { regex: new Pattern('^/a') }
  const pairs: [narrow: RouteSpec['match'], wide: RouteSpec['match'], shadowed: boolean][] = [
    [{}, {}, true],
    [{ path: '/a' }, { path: '/a' }, true],
    [{ path: '/a' }, { path: '/**' }, true],
    [{ path: '/a/b' }, { path: '/a/**' }, true],
    [{ path: '/a' }, { path: '/a/**' }, true],
    [{ path: '/a/**' }, { path: '/a/b/**' }, false],
    [{ path: '/a/**' }, { path: '/a' }, false],
    [{ path: '/a/b' }, { path: '/a/{x}' }, true],
    [{ path: '/a/' }, { path: '/a/{x}' }, false],
    [{ path: '/a/{y}' }, { path: '/a/{x}' }, true],
    [{ path: '/a/{y}' }, { path: '/a/b' }, false],
    [{ path: '/a/{x}/**' }, { path: '/{v}/{rest...}' }, true],
    [{ path: regex }, { path: regex }, true],
    [{ path: regex }, {}, true],
    [{ path: '/a' }, { path: regex }, false],
    [{ path: regex }, { path: '/a/**' }, false],
    [{ host: 'a.x.com' }, { host: '*.x.com' }, true],
    [{ host: '*.b.x.com' }, { host: '*.x.com' }, true],
    [{ host: 'x.com' }, { host: '*.x.com' }, false],
    [{}, { host: 'x.com' }, false],
    [{ host: '*.x.com' }, { host: 'a.x.com' }, false],
    [{ methods: ['GET'] }, { methods: ['GET', 'POST'] }, true],
    [{ methods: ['HEAD'] }, { methods: ['GET'] }, true],
    [{ methods: ['GET', 'PUT'] }, { methods: ['GET', 'POST'] }, false],
    [{}, { methods: ['GET'] }, false],
    [{ headers: { a: '1' }, listener: 'web' }, { headers: { A: '1' } }, true],
    [{ headers: { a: '1' } }, { headers: { a: '2' } }, false],
    [{ headers: { a: '1' } }, { query: { a: '1' } }, false],
    [{ listener: 'web' }, { listener: 'tls' }, false],
  ]
  for (const [narrow, wide, shadowed] of pairs) {
    assert.equal(isShadowed([narrow], [wide]), shadowed, JSON.stringify([narrow, wide]))
  }
})

test('a more specific route is not shadowed by a wider one that it wins over', () => {
  assert.equal(isShadowed([{ path: '/a' }], [{ path: '/**' }, 0]), false)
  assert.equal(isShadowed([{ path: '/a' }], [{ path: '/a' }, 0]), true)
})
