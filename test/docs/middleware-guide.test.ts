import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { middlewareSchemas } from '../../src/config/middleware-schemas.ts'
import { Turnpike } from '../../src/turnpike.ts'
import type { Message } from '../support/message.ts'
import { answering, ok, startOrigin } from '../support/origin.ts'
import { ask } from '../support/raw-client.ts'

const guide = readFileSync(new URL('../../docs/guide/middleware.md', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'turnpike-guide-'))
after(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'secrets'))
mkdirSync(join(folder, 'pages'))
// The password is `sesame`.
writeFileSync(join(folder, 'secrets/alice'), '$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0$vXkOYEfuNDWF7p+Kb3cZUA\n')
for (const page of ['404.html', '5xx.html', 'error.json']) writeFileSync(join(folder, 'pages', page), '"{status}"')

/** What one request of a section shows: what it sends, and what must be seen of it. */
interface Shown {
  request: string
  sees(reply: Message, forwarded: Message | undefined): void
}

const get = (path: string, fields = '', method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`

const sections: Readonly<Record<string, Shown[]>> = {
  headers: [
    {
      request: get('/', 'X-Debug: 1\r\n'),
      sees(reply, forwarded) {
        assert.equal(reply.field('strict-transport-security'), 'max-age=31536000')
        assert.equal(reply.field('vary'), 'Accept')
        assert.equal(reply.field('server'), undefined)
        assert.deepEqual([forwarded!.field('x-edge'), forwarded!.field('x-debug')], ['turnpike', undefined])
      },
    },
  ],
  stripPrefix: [
    {
      request: get('/live/a'),
      sees: (_, forwarded) =>
        assert.deepEqual([targetOf(forwarded), forwarded!.field('x-forwarded-prefix')], ['/a', '/live']),
    },
    { request: get('/live'), sees: (_, forwarded) => assert.equal(targetOf(forwarded), '/') },
    { request: get('/liver'), sees: (_, forwarded) => assert.equal(targetOf(forwarded), '/liver') },
  ],
  rewrite: [
    { request: get('/v1/users/7?x'), sees: (_, forwarded) => assert.equal(targetOf(forwarded), '/api/users/all/7?x') },
    { request: get('/12-hello.html'), sees: (_, forwarded) => assert.equal(targetOf(forwarded), '/posts/12/hello') },
  ],
  cors: [
    {
      request: get('/', 'Origin: https://app.example.com\r\nAccess-Control-Request-Method: PUT\r\n', 'OPTIONS'),
      sees(reply, forwarded) {
        assert.deepEqual([reply.status, forwarded], [204, undefined])
        assert.equal(reply.field('access-control-max-age'), '600')
      },
    },
  ],
  ipFilter: [{ request: get('/'), sees: (reply) => assert.equal(reply.status, 200) }],
  basicAuth: [
    {
      request: get('/'),
      sees: (reply) => assert.match(reply.field('www-authenticate') ?? '', /^Basic realm="Staff"/),
    },
    {
      request: get('/', `Authorization: Basic ${btoa('alice:sesame')}\r\n`),
      sees: (reply) => assert.equal(reply.status, 200),
    },
  ],
  rateLimit: [
    {
      request: get('/', 'X-Api-Key: a\r\n'),
      sees(reply) {
        assert.match(reply.field('ratelimit') ?? '', /"per-client";r=(?:199|200);t=[01]/)
        assert.match(reply.field('ratelimit') ?? '', /"per-key";r=(?:999|1000);t=[01]/)
      },
    },
  ],
  bodyLimit: [
    {
      request: get('/', 'Content-Length: 1048577\r\nExpect: 100-continue\r\n', 'POST'),
      sees: (reply) => assert.equal(reply.status, 413),
    },
  ],
  compress: [
    {
      request: get('/large', 'Accept-Encoding: gzip\r\n'),
      sees: (reply) => assert.equal(reply.field('content-encoding'), 'gzip'),
    },
    { request: get('/'), sees: (reply) => assert.equal(reply.field('content-encoding'), undefined) },
  ],
  mirror: [{ request: get('/'), sees: (reply) => assert.equal(reply.body, 'hello') }],
  requestId: [
    {
      request: get('/'),
      sees: (reply, forwarded) => assert.equal(reply.field('x-request-id'), forwarded!.field('x-request-id')),
    },
  ],
  errorPages: [
    { request: get('/missing'), sees: (reply) => assert.deepEqual([reply.status, reply.body], [404, '"404"']) },
  ],
}

for (const [kind, shown] of Object.entries(sections)) {
  test(`the guide's example of ${kind} does what it says`, async (t) => {
    const section = guide.slice(guide.indexOf(`\n## ${kind}\n`))
    const { port, requests } = await startExample(t, /```yaml\n(.*?)```/s.exec(section)![1]!)
    for (const each of shown) {
      const before = requests.length
      each.sees(await ask(port, each.request), requests[before])
    }
  })
}

test('every kind has its section, and what is used as an example passes the check', async () => {
  for (const kind of Object.keys(middlewareSchemas)) assert.ok(guide.includes(`\n## ${kind}\n`), kind)
  writeFileSync(join(folder, 'whole.yaml'), /```yaml\n(.*?)```/s.exec(guide)![1]!)
  assert.deepEqual((await loadConfig('whole.yaml', { cwd: folder })).warnings, [])
})

async function startExample(t: TestContext, text: string): Promise<{ port: number; requests: Message[] }> {
  const origin = await startOrigin(
    t,
    answering(({ line }) =>
      line.includes('/missing')
        ? 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'
        : ok(line.includes('/large') ? 'hello '.repeat(200) : 'hello', 'Server: app\r\nContent-Type: text/plain\r\n'),
    ),
  )
  const { middlewares }: { middlewares: Record<string, unknown> } = parse(text)
  const config = {
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: {
      use: Object.keys(middlewares),
      routes: [{ name: 'all', to: 'app' }],
      upstreams: { app: { endpoints: [origin.url] }, shadow: { endpoints: [(await startOrigin(t)).url] } },
    },
    admin: 'off',
    log: { access: 'off' },
  }
  const rest = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  writeFileSync(join(folder, 'turnpike.yaml'), `${text}\n${rest.join('')}`)
  const turnpike = await Turnpike.start(await loadConfig('turnpike.yaml', { cwd: folder }))
  t.after(() => turnpike.stop(0))
  const bound = turnpike.addresses.get('web')!
  assert.ok(bound.kind === 'tcp')
  return { port: bound.port, requests: origin.requests }
}

function targetOf(request: Message | undefined): string | undefined {
  return request?.line.split(' ')[1]
}
