import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { why } from '../../src/cli/why.ts'
import { createTurnpike, type Turnpike } from '../../src/turnpike.ts'
import { parseExposition, type Family } from './parse-exposition.ts'

interface Got {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

async function ask(port: number, options: http.RequestOptions & { body?: string } = {}): Promise<Got> {
  const got = Promise.withResolvers<Got>()
  const request = http.request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    response.on('end', () => got.resolve({ status: response.statusCode!, headers: response.headers, body }))
    response.on('error', got.reject)
  })
  request.on('error', got.reject).end(options.body)
  return await got.promise
}

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

interface Setup {
  turnpike: Turnpike
  port: number
  admin: number
  logFile: string
  /** Stops it and gives the lines of the file. */
  stop: () => Promise<Record<string, unknown>[]>
}

async function setUp(t: TestContext): Promise<Setup> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'turnpike-seeing-'))
  const logFile = path.join(folder, 'access.log')
  const origin = http.createServer((request, response) => {
    request.resume().on('end', () => response.end('hello'))
  })
  const originPort = await listening(origin)
  const nobody = net.createServer()
  const nobodyPort = await listening(nobody)
  await new Promise((resolve) => nobody.close(resolve))
  const turnpike = await createTurnpike({
    listeners: { web: { address: '127.0.0.1:0', door: 'gateway' } },
    gateway: {
      routes: [
        { name: 'app', match: { path: '/app/**' }, to: 'app' },
        { name: 'gone', match: { path: '/gone' }, to: 'gone' },
        { name: 'ping', match: { path: '/ping' }, respond: { status: 200, body: 'pong' } },
      ],
      upstreams: {
        app: { endpoints: [`http://127.0.0.1:${originPort}`] },
        gone: { endpoints: [`http://127.0.0.1:${nobodyPort}`] },
      },
    },
    log: { access: { to: logFile } },
    admin: { address: '127.0.0.1:0' },
  })
  t.after(async () => {
    await turnpike.stop(0)
    origin.closeAllConnections()
    await new Promise((resolve) => origin.close(resolve))
    await rm(folder, { recursive: true })
  })
  const bound = turnpike.addresses.get('web')
  const { adminAddress } = turnpike
  assert.ok(bound?.kind === 'tcp' && adminAddress?.kind === 'tcp')
  const stop = async (): Promise<Record<string, unknown>[]> => {
    await turnpike.stop(1_000)
    const text = await readFile(logFile, 'utf8')
    return text
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
  }
  return { turnpike, port: bound.port, admin: adminAddress.port, logFile, stop }
}

const valueOf = (family: Family, labels: Record<string, string>): number | undefined =>
  family.samples.find((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value))?.value

describe('a request is seen', () => {
  test('once in the log, once in the metrics, and by `why`, however it ended', async (t) => {
    const { turnpike, port, admin, stop } = await setUp(t)
    assert.equal((await ask(port, { path: '/app/a?token=x', headers: { 'user-agent': 'seer/1.0' } })).body, 'hello')
    assert.equal((await ask(port, { path: '/app/b', method: 'POST', body: 'x'.repeat(1000) })).status, 200)
    assert.equal((await ask(port, { path: '/ping' })).body, 'pong')
    const missing = await ask(port, { path: '/nowhere' })
    const refused = await ask(port, { path: '/gone' })
    assert.deepEqual([missing.status, refused.status], [404, 502])

    const families = parseExposition((await ask(admin, { path: '/metrics' })).body, false)
    const requests = families.get('turnpike_requests_total')!
    assert.equal(valueOf(requests, { route: 'app', upstream: 'app', code: '2xx' }), 2)
    assert.equal(valueOf(requests, { route: 'ping', upstream: '', endpoint: '', code: '2xx' }), 1)
    assert.equal(valueOf(requests, { route: '', code: '4xx' }), 1)
    assert.equal(valueOf(requests, { route: 'gone', upstream: 'gone', code: '5xx' }), 1)
    assert.equal(valueOf(families.get('turnpike_received_bytes_total')!, { route: 'app' }), 1000)
    assert.equal(valueOf(families.get('turnpike_sent_bytes_total')!, { route: 'app' }), 10)
    const errors = families.get('turnpike_errors_total')!
    assert.equal(valueOf(errors, { code: 'ERR_NO_ROUTE', source: 'client' }), 1)
    assert.equal(valueOf(errors, { code: 'ERR_CONNECT_REFUSED', source: 'upstream' }), 1)
    assert.equal(valueOf(families.get('turnpike_connections_accepted_total')!, { listener: 'web' }), 5)
    assert.ok(families.get('turnpike_requests_in_flight')!.samples.every(({ value }) => value === 0))
    assert.equal(valueOf(families.get('turnpike_ledger')!, { kind: 'exchanges' }), 0)

    let out = ''
    const io = {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (out += text) },
      cwd: os.tmpdir(),
      env: {},
    }
    const id = String(refused.headers['x-request-id'])
    assert.equal(await why([id, '--admin', `127.0.0.1:${admin}`], io), 0)
    assert.match(out, /route {6}gone\nupstream {3}gone\nendpoint {3}http/)
    assert.match(out, /cause {6}ERR_CONNECT_REFUSED/)
    assert.match(out, /today {6}the same route would serve it/)

    const [get, post, ping, none, gone, ...more] = await stop()
    assert.deepEqual(more, [])
    assert.deepEqual(
      { ...get, time: 0, id: 0, client: 0, endpoint: 0, totalMs: 0, connectMs: 0, firstByteMs: 0, bodyMs: 0 },
      {
        time: 0,
        id: 0,
        client: 0,
        listener: 'web',
        route: 'app',
        upstream: 'app',
        endpoint: 0,
        method: 'GET',
        host: '127.0.0.1',
        protocol: 'HTTP/1.1',
        path: '/app/a',
        query: true,
        status: 200,
        bytesIn: 0,
        bytesOut: 5,
        totalMs: 0,
        connectMs: 0,
        firstByteMs: 0,
        bodyMs: 0,
        attempts: 1,
        reused: false,
        userAgent: 'seer/1.0',
      },
    )
    const sum = Number(get!.connectMs) + Number(get!.firstByteMs) + Number(get!.bodyMs)
    assert.ok(Math.abs(sum - Number(get!.totalMs)) < 0.01, `phases add up: ${JSON.stringify(get)}`)
    assert.ok(Math.abs(Date.parse(String(get!.time)) - Date.now()) < 60_000)
    assert.deepEqual([post!.bytesIn, post!.method, post!.status], [1000, 'POST', 200])
    assert.deepEqual([ping!.route, ping!.upstream, ping!.bytesOut], ['ping', undefined, 4])
    assert.deepEqual([none!.cause, none!.source, none!.route], ['ERR_NO_ROUTE', 'client', undefined])
    assert.deepEqual([gone!.id, gone!.cause, gone!.phase], [id, 'ERR_CONNECT_REFUSED', 'dial'])
    assert.match(missing.body, new RegExp(String(none!.id)))
    assert.equal(turnpike.services.ledger.count('logFiles'), 0)
    assert.equal(turnpike.log.dropped, 0)
  })

  test('by no more than one line when the log is rotated under load', async (t) => {
    const { turnpike, port, logFile, stop } = await setUp(t)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
    const total = 400
    const ask50 = (): Promise<Got[]> =>
      Promise.all(Array.from({ length: 50 }, () => ask(port, { path: '/ping', agent })))
    for (let round = 0; round < total / 50; round++) {
      const replies = ask50()
      if (round === 3) {
        await rename(logFile, `${logFile}.1`)
        await turnpike.reopenLogs()
      }
      assert.ok((await replies).every(({ status }) => status === 200))
    }
    agent.destroy()
    const after = await stop()
    const before = (await readFile(`${logFile}.1`, 'utf8')).split('\n').filter((line) => line !== '')
    const ids = new Set([...before.map((line): unknown => JSON.parse(line).id), ...after.map(({ id }) => id)])
    assert.equal(before.length + after.length, total)
    assert.equal(ids.size, total)
  })

  test('the admin address shows what runs, and is gone after a stop', async (t) => {
    const { turnpike, admin } = await setUp(t)
    const get = async (wanted: string): Promise<Record<string, never>> =>
      JSON.parse((await ask(admin, { path: wanted })).body)
    assert.equal((await ask(admin, { path: '/ready' })).status, 200)
    assert.match(JSON.stringify(await get('/api/config')), /"revision":"[^"]+".*"web"/)
    assert.match(JSON.stringify(await get('/api/routes')), /"name":"gone"/)
    assert.match(JSON.stringify(await get('/api/upstreams')), /"url":"http:\/\/127\.0\.0\.1:\d+"/)
    assert.match(JSON.stringify(await get('/api/ledger')), /"listeners":\{"live":1,"total":1\}/)
    await turnpike.stop(0)
    await assert.rejects(ask(admin), { code: 'ECONNREFUSED' })
  })
})
