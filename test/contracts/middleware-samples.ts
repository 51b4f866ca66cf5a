import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { MiddlewareKind } from '../../src/config/middleware-schemas.ts'

/** One kind of middleware with options under which a plain request passes. */
export interface MiddlewareSample {
  options: object
  /** Fields without which it would refuse the request. */
  fields?: string
  /** Options that are refused, and the path and message of what is wrong with them. */
  bad: { options: object; at: string; message: RegExp }
}

const folder = mkdtempSync(join(tmpdir(), 'turnpike-pages-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const page = join(folder, 'error.html')
writeFileSync(page, '<h1>{status}</h1>')

/** The password is `sesame`; made in a moment, since nobody is to be kept out. */
const hash = '$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0$vXkOYEfuNDWF7p+Kb3cZUA'

/** Of every kind: a new one is missed by the compiler. */
const samples: { readonly [Kind in MiddlewareKind]: MiddlewareSample } = {
  basicAuth: {
    options: { users: { alice: hash } },
    fields: `Authorization: Basic ${btoa('alice:sesame')}\r\n`,
    bad: { options: { users: { alice: 'sesame' } }, at: 'users.alice', message: /no scrypt or bcrypt hash/ },
  },
  bodyLimit: {
    options: { size: '1KiB' },
    bad: { options: { size: 1024 }, at: 'size', message: /has no unit/ },
  },
  compress: {
    options: {},
    bad: { options: { algorithms: ['deflate'] }, at: 'algorithms[0]', message: /expected one of "br", "zstd", "gzip"/ },
  },
  cors: {
    options: { origins: ['https://app.example.com'], credentials: true },
    fields: 'Origin: https://app.example.com\r\n',
    bad: { options: { origins: ['*'], credentials: true }, at: 'origins[0]', message: /must be named/ },
  },
  errorPages: {
    options: { pages: { '5xx': { html: page } } },
    bad: { options: { pages: { 404: { html: 'no-such-page.html' } } }, at: 'pages.404.html', message: /no such file/ },
  },
  headers: {
    options: { request: { set: { 'x-edge': 'turnpike' } }, response: { set: { 'x-seen': 'yes' }, remove: ['server'] } },
    bad: {
      options: { request: { set: { host: 'a.example' } } },
      at: 'request.set.host',
      message: /by Turnpike itself/,
    },
  },
  ipFilter: {
    options: { allow: ['127.0.0.0/8'] },
    bad: { options: { allow: ['127.0.0.1/8'] }, at: 'allow[0]', message: /bits set behind its prefix/ },
  },
  mirror: {
    options: { to: 'other' },
    bad: { options: { to: 'other', share: '120%' }, at: 'share', message: /120%/ },
  },
  rateLimit: {
    options: { rate: '1000/s' },
    bad: { options: { rate: 1000 }, at: 'rate', message: /has no unit/ },
  },
  requestId: {
    options: {},
    bad: { options: { trust: 'anyone' }, at: 'trust', message: /"trustedProxies", "everyone"/ },
  },
  rewrite: {
    options: { match: '/{rest...}', path: '/new/{rest}' },
    bad: { options: { match: '/{rest...}', path: '/new/{tail}' }, at: 'path', message: /captures no "tail"/ },
  },
  stripPrefix: {
    options: { prefix: '/a' },
    bad: { options: { prefix: '/a/**' }, at: 'prefix', message: /is a pattern/ },
  },
}

// Object.entries forgets its keys.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const middlewareSamples = Object.entries(samples) as [MiddlewareKind, MiddlewareSample][]
