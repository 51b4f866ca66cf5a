import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { controlPort, SECRET } from '../../test/control/control-fixture.ts'
import { parseExposition } from '../../test/control/parse-exposition.ts'
import { realWorld } from '../engine/real-world.ts'
import { AdminServer, type AdminServerOptions } from './admin-server.ts'

const servers: AdminServer[] = []
after(() => Promise.all(servers.map((server) => server.close())))

async function start(options: Partial<AdminServerOptions> = {}): Promise<AdminServer> {
  const server = await AdminServer.listen({
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    token: null,
    port: controlPort(),
    world: realWorld(),
    onError: () => {},
    ...options,
  })
  servers.push(server)
  return server
}

interface Got {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

async function ask(server: AdminServer, options: http.RequestOptions & { body?: string } = {}): Promise<Got> {
  const address = server.address()
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: '127.0.0.1', port: address.port }
  const got = Promise.withResolvers<Got>()
  const request = http.request({ ...target, agent: false, ...options }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    response.on('end', () => got.resolve({ status: response.statusCode!, headers: response.headers, body }))
    response.on('error', got.reject)
  })
  request.on('error', got.reject).end(options.body)
  return await got.promise
}

const portOf = (server: AdminServer): number => {
  const address = server.address()
  return address.kind === 'tcp' ? address.port : 0
}

describe('the admin address', () => {
  test('every endpoint answers, and none shows a secret', async () => {
    const server = await start()
    const list: { endpoints: { path: string; method: string }[] } = JSON.parse(
      (await ask(server, { path: '/api' })).body,
    )
    assert.ok(list.endpoints.length >= 11)
    for (const { path: listed, method } of list.endpoints) {
      const { status, headers, body } = await ask(server, { path: listed.replace('{id}', 'abc123-01'), method })
      assert.equal(status, 200, listed)
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.doesNotMatch(body, new RegExp(SECRET), listed)
      if (headers['content-type'] === 'application/json') JSON.parse(body)
    }
  })

  test('what changes anything is asked with POST, by the token or by a page of our own', async () => {
    const server = await start()
    const reload = { path: '/api/reload', method: 'POST' }
    assert.equal((await ask(server, reload)).status, 200)
    assert.equal((await ask(server, { path: '/api/reload' })).headers.allow, 'POST')
    const own = `http://127.0.0.1:${portOf(server)}`
    assert.equal((await ask(server, { ...reload, headers: { Origin: own } })).status, 200)
    const foreign: Record<string, string>[] = [
      { Origin: 'http://elsewhere.test' },
      { Origin: 'null' },
      { Origin: `${own}0` },
      { Origin: own, 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ]
    for (const headers of foreign) {
      const refused = await ask(server, { ...reload, headers })
      assert.equal(refused.status, 403, JSON.stringify(headers))
      assert.match(refused.body, /"CROSS_ORIGIN"/)
    }
    const guarded = await start({ token: 'sesame' })
    assert.equal((await ask(guarded, reload)).status, 401)
    assert.equal((await ask(guarded, { ...reload, headers: { Authorization: 'Bearer sesame' } })).status, 200)
    const sourceless = await start({ port: controlPort({ reload: () => null }) })
    assert.equal((await ask(sourceless, reload)).status, 409)
  })

  test('ready says why not; health answers all the same', async () => {
    const server = await start({ port: controlPort({ readiness: () => ['draining'] }) })
    const ready = await ask(server, { path: '/ready' })
    assert.equal(ready.status, 503)
    assert.deepEqual(JSON.parse(ready.body), { status: 'not ready', reasons: ['draining'] })
    assert.equal((await ask(server, { path: '/health' })).status, 200)
  })

  test('metrics come in the format asked for', async () => {
    const server = await start()
    const plain = await ask(server, { path: '/metrics' })
    assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    parseExposition(plain.body, false)
    const open = await ask(server, {
      path: '/metrics',
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    })
    assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    parseExposition(open.body, true)
  })

  test('the summary holds the numbers that were counted', async () => {
    const { body } = await ask(await start(), { path: '/health/metrics?x' })
    const summary = JSON.parse(body)
    assert.equal(summary.requests.total, 4)
    assert.equal(summary.requests.errorRate, 0.25)
    assert.ok(summary.requests.p50Ms > 2.5 && summary.requests.p50Ms <= 5)
    assert.equal(summary.requests.p99Ms, 60_000)
    assert.ok(summary.memory.residentBytes > 1e6)
  })

  test('why finds a request, or says that it is not known', async () => {
    const server = await start()
    assert.deepEqual(JSON.parse((await ask(server, { path: '/api/why/abc123-01' })).body), {
      request: { id: 'abc123-01', route: 'users', status: 200 },
      explain: { route: 'users', refusal: null, losers: [{ route: 'ping', reason: 'path' }] },
    })
    for (const id of ['abc123-02', 'a%20b', '', '..%2fx', 'a/b']) {
      assert.equal((await ask(server, { path: `/api/why/${id}` })).status, 404, id)
    }
  })

  test('the page loads nothing, runs nothing and escapes what it shows', async () => {
    const server = await start({ port: controlPort({ readiness: () => ['<script>alert(1)</script>'] }) })
    const { headers, body } = await ask(server, { path: '/' })
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/)
    assert.doesNotMatch(body, /<script|src=|https?:/)
    assert.match(body, /href="\/metrics"/)
  })

  test('only reading is possible', async () => {
    const server = await start()
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await ask(server, { path: '/health', method })
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method)
    }
    const head = await ask(server, { path: '/health', method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, ''])
    assert.equal((await ask(server, { path: '/nothing' })).status, 404)
  })

  test('answers only for its own names: a page cannot rebind one of its own to it', async () => {
    const server = await start({ hosts: ['admin.example.com'] })
    const port = portOf(server)
    const status = async (host: string): Promise<number> =>
      (await ask(server, { path: '/health', headers: { host } })).status
    for (const host of [
      'localhost',
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      '[::1]:9900',
      'LOCALHOST',
      'Admin.Example.com:9900',
    ]) {
      assert.equal(await status(host), 200, host)
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '10.0.0.1',
      '[fe80::1]',
      'a@localhost',
      'localhost:9900:1',
    ]) {
      assert.deepEqual([host, await status(host)], [host, 421])
    }
  })

  test('off loopback it needs a token, and asks for it', async () => {
    const everywhere = { kind: 'tcp', host: '', port: 0 } as const
    await assert.rejects(start({ address: everywhere }), { code: 'ERR_CONFIG_INVALID' })
    const server = await start({ address: everywhere, token: 'correct horse'.replace(' ', '-') })
    const status = async (authorization?: string): Promise<number> =>
      (await ask(server, { path: '/api/config', headers: authorization === undefined ? {} : { authorization } })).status
    assert.equal(await status('Bearer correct-horse'), 200)
    for (const wrong of [
      undefined,
      'Bearer',
      'Bearer correct-hors',
      'Bearer correct-horse-',
      'Basic correct-horse',
      'correct-horse',
    ]) {
      assert.equal(await status(wrong), 401, String(wrong))
    }
    const { headers } = await ask(server, { path: '/metrics' })
    assert.match(String(headers['www-authenticate']), /^Bearer/)
  })

  test('an endpoint that throws costs one answer', async () => {
    const errors: unknown[] = []
    const broken = new Error('broken')
    const port = controlPort({
      routes: () => {
        throw broken
      },
    })
    const server = await start({ port, onError: (error) => errors.push(error) })
    const { status, body } = await ask(server, { path: '/api/routes' })
    assert.equal(status, 500)
    assert.doesNotMatch(body, /broken/)
    assert.deepEqual(errors, [broken])
    assert.equal((await ask(server, { path: '/health' })).status, 200)
  })

  test('an address that is taken is ERR_LISTEN', async () => {
    const server = await start()
    const address = { kind: 'tcp', host: '127.0.0.1', port: portOf(server) } as const
    await assert.rejects(start({ address }), { code: 'ERR_LISTEN', message: /EADDRINUSE/ })
  })

  test('listens on a Unix socket', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'turnpike-admin-'))
    const server = await start({ address: { kind: 'unix', path: path.join(folder, 'admin.sock') } })
    assert.equal((await ask(server, { path: '/health' })).status, 200)
    await server.close()
    await rm(folder, { recursive: true })
  })

  test('close leaves no socket behind: not an idle one, not one inside a request', async () => {
    const server = await start()
    const sockets = ['GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /health HTTP/1.1\r\nHo', ''].map(
      (sent) => {
        const socket = net.connect(portOf(server), '127.0.0.1')
        socket.on('error', () => {})
        socket.write(sent)
        return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) }
      },
    )
    await new Promise((resolve) => sockets[0]!.socket.once('data', resolve))
    for (const { socket } of sockets) socket.resume()
    await server.close()
    await Promise.all(sockets.map(({ closed }) => closed))
    await assert.rejects(ask(server), { code: 'ECONNREFUSED' })
  })

  test('curl reads it', async (t) => {
    const server = await start()
    try {
      const url = `http://localhost:${portOf(server)}/health`
      const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '5', url])
      assert.deepEqual(JSON.parse(stdout), { status: 'alive' })
    } catch (error) {
      if (!String(error).includes('ENOENT') || process.env.CI === 'true') throw error
      t.skip('curl is not installed')
    }
  })
})
