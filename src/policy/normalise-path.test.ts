import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TurnpikeError } from '../core/error.ts'
import { normalisePath } from './normalise-path.ts'

/** Target, path forwarded, path matched, and the lax reading where there is one. */
const accepted: [target: string, path: string, match: string, lax?: string][] = [
  ['/', '/', '/'],
  ['/a/b.c/~d', '/a/b.c/~d', '/a/b.c/~d'],
  ['/a/', '/a/', '/a/'],
  ['/.well-known/x', '/.well-known/x', '/.well-known/x'],
  ['/a/...', '/a/...', '/a/...'],
  ['/a..b/.c', '/a..b/.c', '/a..b/.c'],
  ['/%61dmin', '/admin', '/admin'],
  ['/%7euser/%2D', '/~user/-', '/~user/-'],
  ['/a%c3%a9', '/a%C3%A9', '/a%C3%A9'],
  ['/caf\xc3\xa9', '/caf%C3%A9', '/caf%C3%A9'],
  ['/a%2cb%40c', '/a%2Cb%40c', '/a,b@c'],
  ['/a%20b%3F%25%23', '/a%20b%3F%25%23', '/a%20b%3F%25%23'],
  ['/{x}|"y"', '/%7Bx%7D%7C%22y%22', '/%7Bx%7D%7C%22y%22'],
  ['/a/./b', '/a/b', '/a/b'],
  ['/a/../b', '/b', '/b'],
  ['/a/b/..', '/a/', '/a/'],
  ['/a/b/.', '/a/b/', '/a/b/'],
  ['/a/..', '/', '/'],
  ['/public/%2e%2e/admin', '/admin', '/admin'],
  ['/public/%2E./admin', '/admin', '/admin'],
  ['/./admin', '/admin', '/admin'],
  ['//admin', '/admin', '/admin'],
  ['/a///b//', '/a/b/', '/a/b/'],
  ['//a/..//b', '/b', '/b'],
  ['/admin;x=1', '/admin;x=1', '/admin'],
  ['/admin;x/users;y=2', '/admin;x/users;y=2', '/admin/users'],
  ['/app/;jsessionid=1', '/app/;jsessionid=1', '/app/'],
  ['/admin%3Bx', '/admin%3Bx', '/admin%3Bx'],
  ['/a%2fb', '/a%2Fb', '/a%2Fb', '/a/b'],
  ['/a%5Cb/', '/a%5Cb/', '/a%5Cb/', '/a/b/'],
  ['/%2Fadmin', '/%2Fadmin', '/%2Fadmin', '/admin'],
  ['/a;x%2Fadmin', '/a;x%2Fadmin', '/a', '/a/admin'],
  ['/%252e%252e/x', '/%252e%252e/x', '/%252e%252e/x'],
  ['*', '*', '*'],
  ['http://example.com', '/', '/'],
  ['http://example.com/a/../b', '/b', '/b'],
  ['HTTPS://example.com:8443/a', '/a', '/a'],
]

const refused = [
  '',
  'a',
  'ftp://example.com/',
  '/..',
  '/../admin',
  '/a/../../admin',
  '/%2e%2e/admin',
  '/a/%2e%2e/%2e%2e/admin',
  '/a\\..\\admin',
  '/a%5c..%5cadmin',
  '/..%5cadmin',
  '/a%2f..%2fadmin',
  '/a/..%2fadmin',
  '/a/%2e%2e%2fadmin',
  '/a%2F.',
  '/a/..;/admin',
  '/a/..;x=1/admin',
  '/a/.;/admin',
  '/a/..%3b/admin',
  '/a/%2e%2e;/admin',
  '/a/;x%2f../admin',
  '/;x/admin',
  '/a/;/admin',
  '/a%00',
  '/admin%00.png',
  '/a%',
  '/a%2',
  '/a%zz',
  '/%u002e%u002e/admin',
  '/%c0%ae%c0%ae/admin',
  '/..%c0%afadmin',
  '/%e0%80%ae./admin',
  '/%f0%80%80%ae./admin',
  '/\xc0\xae\xc0\xae/admin',
  '/a#b',
  '/a?b#c',
  '/a b',
  '/a\tb',
  '/a\x7f',
  '*?x',
]

test('H24 one normalisation: what is forwarded, matched, and read by a lax origin', () => {
  for (const [target, path, matchPath, laxPath = ''] of accepted) {
    assert.deepEqual(normalisePath(target), { path, query: '', matchPath, laxPath }, target)
  }
})

test('H24 a path that two servers could read in two ways is refused', () => {
  for (const target of refused) {
    assert.throws(
      () => normalisePath(target),
      (error) => error instanceof TurnpikeError && error.code === 'ERR_PATH' && error.status === 400,
      target,
    )
  }
})

test('H24 the query begins at the first question mark and is never altered', () => {
  for (const query of ['?', '?a=/../b', '?%2e%zz', '??x', '?a\\b', '?\xe9']) {
    assert.deepEqual(normalisePath(`/x/../y${query}`), { path: '/y', query, matchPath: '/y', laxPath: '' })
  }
  assert.equal(normalisePath('http://example.com?x=1').query, '?x=1')
  assert.equal(normalisePath('http://example.com?x=/a').path, '/')
})

const pieces = fc.constantFrom(
  ...'/ // . .. %2e %2E %2f %2F %5c %3b ; ;x=1 a admin %61 %41 %25 %252e %c3%a9 \xe9 + %2B %20 : @ ~'.split(' '),
)
const targets = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`)

function normalised(target: string) {
  try {
    return normalisePath(target)
  } catch {
    return null
  }
}

/** Segments as an origin sees them that decodes everything, drops parameters and merges slashes. */
function lax(path: string): string[] {
  const decoded = path.replace(/%(2e|2f|5c|3b)/gi, (escape) => decodeURIComponent(escape)).replaceAll('\\', '/')
  return decoded
    .split('/')
    .map((segment) => segment.split(';', 1)[0]!)
    .filter((segment) => segment !== '')
}

test('H24 normalising twice changes nothing', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const once = normalised(target)
      if (once === null) return
      assert.deepEqual(normalisePath(once.path), once)
      assert.equal(normalisePath(once.matchPath).matchPath, once.matchPath)
    }),
    { numRuns: 3000 },
  )
})

test('H24 no lax origin finds a dot segment in what is forwarded, nor a path that routing did not see', () => {
  let compared = 0
  fc.assert(
    fc.property(targets, (target) => {
      const found = normalised(target)
      if (found === null) return
      const seen = lax(found.path)
      assert.ok(!seen.includes('.') && !seen.includes('..'), found.path)
      if (found.path.includes('%3B')) return
      compared++
      const routed = found.laxPath === '' ? found.matchPath : found.laxPath
      assert.deepEqual(lax(found.path).map(unescape), lax(routed).map(unescape), found.path)
    }),
    { numRuns: 3000 },
  )
  assert.ok(compared > 300)
})

test('H24 what is decoded for matching is what any server decodes', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const found = normalised(target)
      if (found === null || /[%;]/.test(found.matchPath.replace(/%[0-9A-F]{2}/g, ''))) return
      const stripped = found.path.split('/').map((segment) => segment.split(';', 1)[0]!)
      assert.equal(unescape(found.matchPath), unescape(stripped.join('/')))
    }),
    { numRuns: 1000 },
  )
})

/** Escapes as bytes, valid UTF-8 or not. */
function unescape(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
