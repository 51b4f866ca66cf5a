import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Pattern } from '../../core/pattern.ts'
import type { RouteRequest } from './condition.ts'
import { normalisePath } from '../../policy/normalise-path.ts'
import { Router } from './router.ts'
import type { RouteSpec } from './route.ts'

interface Asked {
  method?: string | undefined
  host?: string | undefined
  target?: string | undefined
  listener?: string | undefined
  headers?: Record<string, string> | undefined
  query?: Record<string, string> | undefined
}

function request({ method = 'GET', host = '', target = '/', listener = 'web', headers, query }: Asked): RouteRequest {
  const { matchPath, laxPath } = normalisePath(target)
  const header = (name: string) => headers?.[name]
  return { listener, host, method, path: matchPath, laxPath, header, query: (name) => query?.[name] }
}

const spec = (name: string, match: RouteSpec['match'], priority = 0): RouteSpec => ({ name, match, priority })
const regex = (source: string) => ({ regex: new Pattern(source) })
const compile = (specs: readonly RouteSpec[]) => Router.compile(specs, ({ name }) => name)

function winner(specs: readonly RouteSpec[], asked: Asked): string {
  const result = compile(specs).match(request(asked))
  return result.found ? result.name : result.code
}

/** Checks that each of `names` wins once those before it are gone, in whatever order the config has them. */
function assertOrder(specs: readonly RouteSpec[], asked: Asked): void {
  for (let from = 0; from < specs.length; from++) {
    const left = specs.slice(from)
    assert.equal(winner(left, asked), specs[from]!.name)
    assert.equal(winner(left.toReversed(), asked), specs[from]!.name)
  }
}

test('the order of specificity: priority, host, path, conditions', () => {
  const host = 'a.b.example.com'
  assertOrder(
    [
      spec('priority', {}, 1),
      spec('exact host', { host }),
      spec('longer wildcard', { host: '*.b.example.com' }),
      spec('shorter wildcard', { host: '*.example.com' }),
      spec('exact path', { path: '/v1/users/7' }),
      spec('literal first', { path: '/v1/users/{id}' }),
      spec('parameter first', { path: '/{version}/users/7' }),
      spec('regex', { path: regex('^/v1/.*7$') }),
      spec('longer prefix', { path: '/v1/users/**' }),
      spec('shorter prefix', { path: '/v1/**' }),
      spec('parameter prefix', { path: '/{version}/{rest...}' }),
      spec('two conditions', { listener: 'web', methods: ['GET'] }),
      spec('one condition', { methods: ['GET'] }),
      spec('any', {}),
    ],
    { host, target: '/v1/users/7' },
  )
})

test('among equals the first in the config wins', () => {
  const equals = [spec('first', { path: '/a' }), spec('second', { path: '/a' })]
  assert.equal(winner(equals, { target: '/a' }), 'first')
  assert.equal(winner(equals.toReversed(), { target: '/a' }), 'second')
})

test('host patterns', () => {
  const wildcard = [spec('match', { host: '*.example.com' })]
  assert.equal(winner(wildcard, { host: 'a.example.com' }), 'match')
  assert.equal(winner(wildcard, { host: 'a.b.example.com' }), 'match')
  for (const host of ['example.com', '.example.com', 'aexample.com', 'a.example.com.evil', '']) {
    assert.equal(winner(wildcard, { host }), 'ERR_NO_ROUTE', host)
  }
  assert.equal(winner([spec('match', { host: 'API.Example.com.' })], { host: 'api.example.com' }), 'match')
  assert.equal(winner([spec('match', { host: '[::1]' })], { host: '[::1]' }), 'match')
})

test('path patterns', () => {
  const rows: [path: string, matching: string[], not: string[]][] = [
    ['/a', ['/a', '/a;x', '/%61'], ['/a/', '/A', '/ab', '/']],
    ['/a/', ['/a/', '/a//'], ['/a', '/a/b']],
    ['/', ['/', 'http://x'], ['/a', '*']],
    ['/v1/users/**', ['/v1/users', '/v1/users/', '/v1/users/1/2'], ['/v1/users-x', '/v1/user', '/v1']],
    ['/a/{id}', ['/a/b', '/a/b;x', '/a/b%2Fc'], ['/a', '/a/', '/a/b/', '/a/b/c']],
    ['/a/{id}/c', ['/a/b/c'], ['/a//c', '/a/b/d', '/a/b']],
    ['/a/{rest...}', ['/a', '/a/', '/a/b/c'], ['/ab']],
    ['/**', ['/', '/a', '*'], []],
    ['/caf%c3%a9/%2c', ['/caf%C3%A9/,', '/caf\xc3\xa9/%2c'], ['/cafe/,']],
  ]
  for (const [path, matching, not] of rows) {
    const specs = [spec('match', { path })]
    for (const target of matching) assert.equal(winner(specs, { target }), 'match', `${path} ${target}`)
    for (const target of not) assert.equal(winner(specs, { target }), 'ERR_NO_ROUTE', `${path} ${target}`)
  }
})

test('captures', () => {
  const rows: [path: RouteSpec['match']['path'], target: string, captures: Record<string, string>][] = [
    ['/a/{x}/{y}', '/a/1;p/2', { x: '1', y: '2' }],
    ['/docs/{rest...}', '/docs/a/b/', { rest: 'a/b/' }],
    ['/docs/{rest...}', '/docs', { rest: '' }],
    ['/{v}/{rest...}', '/1/2/3', { v: '1', rest: '2/3' }],
    [regex('^/(?P<kind>\\w+)/(\\d+)?'), '/user/12', { '1': 'user', '2': '12', kind: 'user' }],
  ]
  for (const [path, target, captures] of rows) {
    const result = compile([spec('match', { path })]).match(request({ target }))
    assert.ok(result.found)
    assert.deepEqual(Object.fromEntries(result.path.captures(normalisePath(target).matchPath)), captures)
  }
})

test('where the conditions of a route fail the next one is tried', () => {
  const specs = [
    spec('acme', { path: '/a', headers: { 'X-Tenant': 'acme' } }),
    spec('beta', { path: '/a', query: { beta: '1' } }),
    spec('old', { path: '/a', headers: { 'user-agent': regex('MSIE') } }),
    spec('admin', { path: '/**', listener: 'admin' }),
    spec('rest', { path: '/**' }),
  ]
  assert.equal(winner(specs, { target: '/a', headers: { 'x-tenant': 'acme' } }), 'acme')
  assert.equal(winner(specs, { target: '/a', headers: { 'x-tenant': 'acme, evil' } }), 'rest')
  assert.equal(winner(specs, { target: '/a', query: { beta: '1' } }), 'beta')
  assert.equal(winner(specs, { target: '/a', headers: { 'user-agent': 'an MSIE 6' } }), 'old')
  assert.equal(winner(specs, { target: '/a', listener: 'admin' }), 'admin')
  assert.equal(winner(specs, { target: '/a' }), 'rest')
})

test('among many routes that differ in one value the order stays', () => {
  const tenants = Array.from({ length: 20 }, (_, index) =>
    spec(`t${index}`, { path: '/a', headers: { t: `${index}` } }),
  )
  const specs = [
    ...tenants,
    spec('t3 again', { path: '/a', headers: { t: '3' } }),
    spec('t3 beta', { path: '/a', headers: { t: '3' }, query: { beta: '1' } }),
    spec('t4 put', { path: '/a', headers: { t: '4' }, methods: ['PUT'] }),
    spec('odd', { path: '/a', headers: { t: regex('^[xy]$') } }),
    spec('any', { path: '/a' }),
  ]
  assert.equal(winner(specs, { target: '/a', headers: { t: '3' } }), 't3')
  assert.equal(winner(specs, { target: '/a', headers: { t: '3' }, query: { beta: '1' } }), 't3 beta')
  assert.equal(winner(specs, { target: '/a', headers: { t: '4' }, method: 'PUT' }), 't4 put')
  assert.equal(winner(specs, { target: '/a', headers: { t: 'x' } }), 'odd')
  assert.equal(winner(specs, { target: '/a', headers: { t: '99' } }), 'any')
  assert.equal(winner(specs, { target: '/a' }), 'any')
  assert.equal(winner([...specs, spec('top', { path: '/a' }, 1)], { target: '/a', headers: { t: '3' } }), 'top')
})

test('405 with Allow where the method alone was wrong, else 404', () => {
  const router = compile([
    spec('read', { path: '/a', methods: ['GET'] }),
    spec('write', { path: '/{x}', methods: ['PUT', 'DELETE'] }),
    spec('secret', { path: '/a', methods: ['PATCH'], headers: { key: '1' } }),
  ])
  const miss = router.match(request({ method: 'POST', target: '/a' }))
  assert.deepEqual(miss, { found: false, code: 'ERR_METHOD_NOT_ALLOWED', allow: ['GET', 'HEAD', 'PUT', 'DELETE'] })
  const none = router.match(request({ method: 'POST', target: '/a/b' }))
  assert.deepEqual(none, { found: false, code: 'ERR_NO_ROUTE', allow: [] })
  const head = router.match(request({ method: 'HEAD', target: '/a' }))
  assert.ok(head.found && head.name === 'read')
})

test('H24 an encoded slash never leads past a more specific route', () => {
  const specs = [
    spec('admin', { path: '/team/admin/**', methods: ['GET'] }),
    spec('project', { path: '/projects/{id}' }),
    spec('rest', { path: '/**' }),
  ]
  assert.equal(winner(specs, { target: '/team%2Fadmin/x' }), 'ERR_PATH')
  assert.equal(winner(specs, { target: '/team%5cadmin' }), 'ERR_PATH')
  assert.equal(winner(specs, { target: '/x/%2Fteam;a%2Fadmin' }), 'rest')
  assert.equal(winner(specs, { target: '/projects/group%2Fproject' }), 'project')
})

test('explain says why each rival lost', () => {
  const router = compile([
    spec('user', { host: 'api.example.com', path: '/v1/users/me' }),
    spec('users', { host: 'api.example.com', path: '/v1/users/**' }),
    spec('create', { host: 'api.example.com', path: '/v1/users/me', methods: ['POST'] }),
    spec('tenant', { path: '/v1/users/me', headers: { 'x-tenant': 'acme' } }),
    spec('other host', { host: 'other.example.com', path: '/v1/users/me' }),
    spec('sibling', { host: 'api.example.com', path: '/v1/users/you' }),
    spec('far', { path: '/v2' }),
  ])
  const asked = { host: 'api.example.com', target: '/v1/users/me', headers: { 'x-tenant': 'b' } }
  const explained = router.explain(request(asked))
  assert.equal(explained.winner?.name, 'user')
  assert.deepEqual(Object.fromEntries(explained.losers.map(({ route, reason }) => [route.name, reason])), {
    users: 'less specific than user: prefix vs exact',
    create: 'method GET not in [POST]',
    tenant: 'header x-tenant is "b", wants "acme"',
    sibling: 'path /v1/users/me does not match /v1/users/you',
    'other host': 'host differs: it is "api.example.com", wants other.example.com',
  })
})

const one = <T>(...values: T[]) => fc.constantFrom(...values)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const segment = one('a', 'b', 'ab', '{x}')
const textPath = fc
  .tuple(fc.array(segment, { maxLength: 3 }), one('', '/', '/**', '/{rest...}'))
  .map(([segments, end]) => `/${segments.map((each, index) => each.replace('x', `x${index}`)).join('/')}${end}`)
  .map((path) => path.replace(/^\/(?=\/)/, ''))
const regexPath = one('^/a/', '^/a/b(/.*)?$', 'b$', '^/(a|b)', '^/ab?/', '').map(regex)
const anyPath = maybe(fc.oneof({ weight: 4, arbitrary: textPath }, { weight: 1, arbitrary: regexPath }))
const anyHost = maybe(one('x.com', 'a.x.com', 'b.a.x.com', '*.x.com', '*.a.x.com', '*.com'))
// Either spread over many paths, or many for few, so that they are told apart by their conditions.
const routes = fc.oneof(routesFor(anyHost, anyPath, 14), routesFor(fc.constant(undefined), one('/a', '/**'), 40))

function routesFor(
  host: fc.Arbitrary<string | undefined>,
  path: fc.Arbitrary<RouteSpec['match']['path']>,
  maxLength: number,
): fc.Arbitrary<RouteSpec[]> {
  const draft = fc.record({
    priority: one(0, 0, 0, 1, -1),
    host,
    path,
    methods: maybe(one(['GET'], ['POST'], ['GET', 'POST'])),
    headers: maybe(one({ h: '1' }, { h: '2' }, { h: '3', g: '1' }, { h: regex('^[12]') })),
    query: maybe(one({ q: '1' })),
    listener: maybe(one('web', 'tls')),
  })
  return fc
    .array(draft, { minLength: 1, maxLength, size: 'max' })
    .map((drafts) => drafts.map(({ priority, ...match }, index) => spec(`r${index}`, match, priority)))
}

const question = fc.record({
  method: one('GET', 'HEAD', 'POST', 'PUT'),
  host: one('x.com', 'a.x.com', 'b.a.x.com', 'c.b.a.x.com', 'y.org', ''),
  target: fc.array(one('a', 'b', 'ab', 'c', 'a%2Fb', ''), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  listener: one('web', 'tls'),
  headers: maybe(one({ h: '1' }, { h: '2' }, { h: '3' })),
  query: maybe(one({ q: '1' }, { q: '2' })),
})

function sortKey({ match, priority }: RouteSpec, position: number): (number | string)[] {
  const hostRank = match.host === undefined ? 0 : match.host.startsWith('*') ? match.host.split('.').length : 99
  const text = typeof match.path === 'object' ? '' : (match.path ?? '/**')
  const isPrefix = text.endsWith('/**') || text.endsWith('...}')
  const kind = typeof match.path === 'object' ? 2 : isPrefix ? 3 : text.includes('{') ? 1 : 0
  const segments = text.split('/').slice(1, isPrefix ? -1 : undefined)
  // `{` sorts before the end, which sorts as `~`; a literal sorts as a blank.
  const shape = `${segments.map((each) => (each.startsWith('{') ? '{' : ' ')).join('')}~`
  const { methods, listener, headers = {}, query = {} } = match
  const conditions = [methods, listener, ...Object.keys(headers), ...Object.keys(query)].filter(
    (each) => each !== undefined,
  )
  return [-priority, -hostRank, kind, shape, -conditions.length, position]
}

function wants(wanted: string | { regex: Pattern }, value: string | undefined): boolean {
  return value !== undefined && (typeof wanted === 'string' ? wanted === value : wanted.regex.test(value))
}

/** The documented order once more, written down in the plainest way: try everything, sort what matches. */
function reference(specs: readonly RouteSpec[], asked: RouteRequest, path: string): string | null {
  const matches = ({ match }: RouteSpec) => {
    const { host, methods, headers = {}, query = {} } = match
    if (
      host?.startsWith('*') === true ? !asked.host.endsWith(host.slice(1)) : host !== undefined && host !== asked.host
    )
      return false
    if (typeof match.path === 'object') {
      if (!match.path.regex.test(path)) return false
    } else {
      const source = (match.path ?? '/**').replace(/\/(\*\*|\{\w+\.\.\.\})$/, '(/.*)?').replaceAll(/\{\w+\}/g, '[^/]+')
      if (!new RegExp(`^${source}$`).test(path)) return false
    }
    const method = asked.method === 'HEAD' ? 'GET' : asked.method
    if (methods !== undefined && !methods.includes(method)) return false
    if (match.listener !== undefined && match.listener !== asked.listener) return false
    if (!Object.entries(headers).every(([name, wanted]) => wants(wanted, asked.header(name)))) return false
    return Object.entries(query).every(([name, wanted]) => wants(wanted, asked.query(name)))
  }
  const found = specs
    .map((each, position) => ({ each, key: sortKey(each, position) }))
    .filter(({ each }) => matches(each))
    .toSorted((a, b) => {
      const differing = a.key.findIndex((value, index) => value !== b.key[index])
      return a.key[differing]! < b.key[differing]! ? -1 : 1
    })
  return found[0]?.each.name ?? null
}

test('the router, its explanation, and the documented order tried one by one agree', () => {
  let found = 0
  fc.assert(
    fc.property(routes, fc.array(question, { minLength: 5, maxLength: 5 }), (specs, all) => {
      const router = compile(specs)
      for (const each of all) {
        const asking = request(each)
        const result = router.match(asking)
        const explained = router.explain(asking)
        assert.equal(explained.winner, result.found ? result : null)
        const expected = reference(specs, asking, asking.path)
        const lax = asking.laxPath === '' ? null : reference(specs, asking, asking.laxPath)
        const rank = (name: string | null) => router.routes.findIndex((route) => route.name === name)
        const ambiguous = expected !== null && lax !== null && rank(lax) < rank(expected)
        assert.equal(!result.found && result.code === 'ERR_PATH', ambiguous)
        if (result.found) {
          found++
          assert.equal(result.name, expected)
        } else if (!ambiguous) {
          assert.equal(expected, null)
          assert.equal(result.code === 'ERR_METHOD_NOT_ALLOWED', result.allow.length > 0)
          const allowed = result.allow.some((method) => reference(specs, { ...asking, method }, asking.path) !== null)
          assert.equal(result.allow.length > 0, allowed)
        }
        for (const { route, nearness, reason } of explained.losers) {
          const alone = compile([specs[route.position]!]).match({ ...asking, laxPath: '' })
          assert.equal(alone.found, nearness === 3, `${route.name} ${reason}`)
          if (nearness === 3 && result.found) assert.match(reason, new RegExp(`^less specific than ${result.name}: `))
        }
      }
    }),
    { numRuns: 1500 },
  )
  assert.ok(found > 1000)
})
