import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import { portOf } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const example = path.resolve(import.meta.dirname, '../../examples/gateway')

/** One of the services that the example names. */
class Service {
  readonly name: string
  readonly seen: http.IncomingMessage[] = []
  readonly server: http.Server
  /** What it answers, but to probes. */
  status = 200
  healthy = true

  constructor(name: string) {
    this.name = name
    this.server = http.createServer((request, response) => {
      const probe = request.url === '/healthz'
      if (!probe) this.seen.push(request)
      response.statusCode = probe ? (this.healthy ? 200 : 500) : this.status
      response.setHeader('server', 'secret/1.0')
      response.end(this.name)
    })
  }
}

interface Running {
  services: Map<string, Service>
  web: number
  secure: number
  admin: number
  turnpike: Turnpike
  folder: string
}

/** The example as it stands, but for its ports. */
async function start(t: TestContext): Promise<Running> {
  const folder = mkdtempSync(path.join(path.dirname(example), '.test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  cpSync(example, folder, { recursive: true })
  execFileSync(path.join(folder, 'setup.sh'), { stdio: 'ignore' })
  const services = new Map<string, Service>()
  let text = readFileSync(path.join(folder, 'turnpike.yaml'), 'utf8')
  for (const port of ['9001', '9002', '9003', '9004', '9005']) {
    const service = new Service(port)
    service.server.listen(0, '127.0.0.1')
    await once(service.server, 'listening')
    t.after(async () => {
      service.server.closeAllConnections()
      service.server.close()
      await once(service.server, 'close')
    })
    services.set(port, service)
    text = text.replaceAll(`:${port}`, `:${portOf(service.server)}`)
  }
  text = text
    .replace(':8080', ':0')
    .replace(':8443', ':0')
    .replace(':9900', ':0')
    .replace('to: stdout', 'to: access.log')
  writeFileSync(path.join(folder, 'turnpike.yaml'), text)
  const turnpike = await Turnpike.start(await loadConfig('turnpike.yaml', { cwd: folder, env: {} }))
  t.after(async () => {
    await turnpike.stop(0)
    await assertLedgerBaseline(turnpike)
  })
  const portNamed = (name: string): number => {
    const address = turnpike.addresses.get(name)!
    return address.kind === 'tcp' ? address.port : 0
  }
  const { adminAddress } = turnpike
  const admin = adminAddress?.kind === 'tcp' ? adminAddress.port : 0
  return { services, web: portNamed('web'), secure: portNamed('secure'), admin, turnpike, folder }
}

interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

async function ask(port: number, options: http.RequestOptions): Promise<Reply> {
  const request = http.request({ host: '127.0.0.1', port, agent: false, ...options })
  request.end()
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  let body = ''
  response!.setEncoding('utf8').on('data', (text: string) => (body += text))
  await once(response!, 'end')
  return { status: response!.statusCode!, headers: response!.headers, body }
}

const from = (client: string): http.RequestOptions => ({
  ...users,
  headers: { ...users.headers, 'x-forwarded-for': client },
})

const users = { path: '/v1/users/7', headers: { host: 'api.example.com' } }
const office = { host: 'admin.example.com', authorization: `Basic ${btoa('alice:wonderland')}` }

test('the gateway example: headers are set and removed in both directions, on every route', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { services, web } = await start(t)
  const reply = await ask(web, { ...users, headers: { ...users.headers, 'x-debug': '1' } })
  assert.deepEqual([reply.status, ['9001', '9002'].includes(reply.body)], [200, true])
  assert.equal(reply.headers['strict-transport-security'], 'max-age=31536000')
  assert.equal(reply.headers['server'], undefined)
  const [seen] = services.get(reply.body)!.seen
  assert.deepEqual([seen!.headers['x-edge'], seen!.headers['x-debug']], ['turnpike', undefined])
  const none = await ask(web, { path: '/nowhere', headers: { host: 'api.example.com' } })
  assert.deepEqual([none.status, none.headers['strict-transport-security']], [404, 'max-age=31536000'])
})

test('the gateway example: roundRobin takes turns, methods are kept to', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { web } = await start(t)
  const bodies: string[] = []
  for (let at = 0; at < 4; at++) bodies.push((await ask(web, users)).body)
  assert.deepEqual(bodies.toSorted(), ['9001', '9001', '9002', '9002'])
  const put = await ask(web, { ...users, method: 'PUT' })
  assert.deepEqual([put.status, put.headers.allow], [405, 'GET, POST, HEAD'])
})

test('W19 the gateway example: a client has 200 requests at once, then 100 a second; others have theirs', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { web } = await start(t)
  let limited: Reply[] = []
  // A busy machine may take so long over them that tokens come back meanwhile.
  for (let wave = 0; limited.length === 0 && wave < 10; wave++) {
    const replies = await Promise.all(Array.from({ length: 320 }, () => ask(web, from('192.0.2.1'))))
    limited = replies.filter(({ status }) => status === 429)
    if (wave === 0) assert.ok(limited.length <= 120, `${limited.length} of 320 were refused`)
  }
  assert.ok(limited.length > 0, 'some are refused')
  const { headers } = limited[0]!
  assert.ok(Number(headers['retry-after']) >= 1)
  for (const name of [
    'ratelimit',
    'ratelimit-policy',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
  ])
    assert.ok(headers[name] !== undefined, name)
  assert.match(String(headers['proxy-status']), /ERR_RATE_LIMITED/)
  assert.equal((await ask(web, from('192.0.2.2'))).status, 200)
})

test('W16 the gateway example: a prefix ends at a segment, and is stripped', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { services, web } = await start(t)
  const reply = await ask(web, { path: '/live/feed?x=1' })
  assert.equal(reply.status, 200)
  assert.equal(services.get(reply.body)!.seen[0]!.url, '/feed?x=1')
  assert.ok(['9003', '9004'].includes(reply.body))
  assert.equal((await ask(web, { path: '/lively' })).status, 404)
})

test('the gateway example: leastConnections honours the weights; the canary gets about one in twenty', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { services, web } = await start(t)
  const cart = { path: '/v1/cart/1', headers: { host: 'api.example.com' } }
  for (let at = 0; at < 60; at++) assert.equal((await ask(web, cart)).status, 200)
  const count = (name: string): number => services.get(name)!.seen.length
  assert.equal(count('9005'), 3)
  assert.ok(count('9003') > count('9004'), `${count('9003')} and ${count('9004')}`)
})

test('the gateway example: the back office is for the office, for staff, and knows its tenant', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { services, web, folder } = await start(t)
  const visit = (client: string, headers: http.OutgoingHttpHeaders): Promise<Reply> =>
    ask(web, { path: '/', headers: { ...headers, 'x-forwarded-for': client } })
  const stranger = await visit('198.51.100.7', office)
  assert.deepEqual([stranger.status, /ERR_IP_DENIED/.test(String(stranger.headers['proxy-status']))], [403, true])
  const anonymous = await visit('10.1.2.3', { host: office.host })
  assert.deepEqual([anonymous.status, anonymous.headers['www-authenticate']?.startsWith('Basic ')], [401, true])
  const wrong = await visit('10.1.2.3', { ...office, authorization: `Basic ${btoa('alice:looking-glass')}` })
  assert.equal(wrong.status, 401)
  const reply = await visit('10.1.2.3', office)
  assert.equal(reply.status, 200)
  const [seen] = services.get(reply.body)!.seen
  assert.deepEqual([seen!.headers['x-tenant'], seen!.headers.authorization], ['admin', undefined])
  assert.doesNotMatch(readFileSync(path.join(folder, 'access.log'), 'utf8'), /wonderland|looking-glass/)
})

test('the gateway example: certificates by name, HTTP/2 by ALPN', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { secure, folder } = await start(t)
  for (const name of ['api', 'admin']) {
    const client = http2.connect(`https://${name}.example.com`, {
      host: '127.0.0.1',
      port: secure,
      servername: `${name}.example.com`,
      ca: readFileSync(path.join(folder, `certs/${name}.pem`)),
    })
    await once(client, 'connect')
    assert.equal(client.alpnProtocol, 'h2')
    const stream = client.request({
      ':path': name === 'api' ? '/v1/users/1' : '/',
      authorization: office.authorization,
    })
    const [headers]: http2.IncomingHttpHeaders[] = await once(stream, 'response')
    assert.equal(Number(headers![':status']), 200)
    assert.equal(headers!['strict-transport-security'], 'max-age=31536000')
    stream.resume()
    await once(stream, 'end')
    client.close()
    await once(client, 'close')
  }
})

test('the gateway example: 503 and a dead endpoint are tried again elsewhere', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { services, web } = await start(t)
  services.get('9001')!.status = 503
  for (let at = 0; at < 4; at++) {
    const reply = await ask(web, users)
    assert.deepEqual([reply.status, reply.body], [200, '9002'])
  }
  services.get('9001')!.server.closeAllConnections()
  services.get('9001')!.server.close()
  for (let at = 0; at < 4; at++) assert.equal((await ask(web, users)).status, 200)
})

test('the gateway example: every key is in force where the admin address shows it', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const { admin, services } = await start(t)
  const reply = await ask(admin, { path: '/api/upstreams' })
  const text = reply.body
  assert.equal(reply.status, 200)
  for (const port of ['9001', '9002'])
    assert.match(text, new RegExp(`127\\.0\\.0\\.1:${portOf(services.get(port)!.server)}`))
  const config = (await ask(admin, { path: '/api/config' })).body
  assert.doesNotMatch(config, /scrypt|PRIVATE KEY/)
  assert.equal((await ask(admin, { path: '/ready' })).status, 200)
})
