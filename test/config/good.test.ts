import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dumpConfig } from '../../src/config/dump.ts'
import { loadConfig, loadConfigObject } from '../../src/config/load.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const good = join(import.meta.dirname, 'good')
const examples = join(import.meta.dirname, '../../examples')
const folder = mkdtempSync(join(tmpdir(), 'turnpike-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('YAML, JSON and a TypeScript module hold the same tree', async () => {
  const [yaml, json, module] = await Promise.all(
    ['same.yaml', 'same.json', 'turnpike.config.ts'].map((name) => loadConfig(name, { cwd: good, env: {} })),
  )
  assert.deepEqual(dumpConfig(yaml!.config), dumpConfig(json!.config))
  assert.deepEqual(dumpConfig(yaml!.config), dumpConfig(module!.config))
  assert.equal(yaml!.revision, json!.revision)
})

test('the smallest gateway loads, with its defaults in milliseconds and bytes', async () => {
  const { config, warnings, source } = await loadConfig('gateway-minimal/turnpike.yaml', { cwd: examples, env: {} })
  assert.deepEqual(warnings, [])
  assert.deepEqual([...source.files.keys()], [join(examples, 'gateway-minimal/turnpike.yaml')])
  assert.deepEqual(config.listeners['web']!.timeouts, {
    tls: 10_000,
    head: 10_000,
    idle: 75_000,
    bodyProgress: { bytes: 1024, perMs: 30_000 },
    stall: 60_000,
  })
  assert.deepEqual(config.listeners['web']!.limits, {
    headSize: 32_768,
    headerCount: 100,
    targetSize: 8192,
    connections: 10_000,
  })
  assert.equal(config.via, 'auto')
  assert.deepEqual(config.admin, { address: { kind: 'tcp', host: '127.0.0.1', port: 9900 } })
  assert.deepEqual(config.log, { access: { to: 'stdout', format: 'json' }, level: 'info' })
  assert.equal(config.shutdown.drain, 30_000)
  assert.deepEqual(config.gateway!.routes[0]!.to, [{ upstream: 'app', weight: 1 }])
  assert.deepEqual(config.gateway!.routes[0]!.upgrade, ['websocket'])
})

test('the core gateway loads with its certificates read', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const core = join(examples, 'gateway-core')
  execFileSync(join(core, 'certificates.sh'), [join(folder, 'certs')])
  execFileSync('cp', [join(core, 'turnpike.yaml'), folder])
  const { config, warnings, source } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  assert.deepEqual(warnings, [])
  const [api] = config.listeners['secure']!.tls!.certificates
  assert.ok(api !== undefined && 'cert' in api)
  assert.equal(api.cert.path, join(folder, 'certs/api.pem'))
  assert.match(api.cert.text, /BEGIN CERTIFICATE/)
  assert.match(api.key.text, /PRIVATE KEY/)
  assert.equal(config.gateway!.upstreams['orders-next']!.tls.ca!.text, api.cert.text)
  assert.equal(config.trustedProxies.has('10.1.2.3'), true)
  assert.equal(source.files.size, 5)
  assert.doesNotMatch(JSON.stringify(dumpConfig(config)), /PRIVATE/)
})

test('every key that is off or set is taken as typed', async () => {
  const { config, warnings } = await loadConfig('everything.yaml', { cwd: good, env: {} })
  assert.deepEqual(warnings, [])
  const { web, socket } = config.listeners
  assert.equal(web!.timeouts.bodyProgress, null)
  assert.equal(web!.proxyProtocol!.from.has('192.0.2.9'), true)
  assert.deepEqual(socket!.address, { kind: 'unix', path: '/run/turnpike.sock' })
  assert.equal(config.admin, null)
  assert.equal(config.via, 'edge-1')
  assert.deepEqual(config.log.access, { to: join(good, 'logs/access.log'), format: 'json' })
  const [all, moved, down] = config.gateway!.routes
  assert.equal(all!.match.host, '*.example.com')
  assert.deepEqual(Object.keys(all!.match.headers!), ['x-tenant', 'x-id'])
  assert.deepEqual(all!.to, [
    { upstream: 'app', weight: 2 },
    { upstream: 'other', weight: 1 },
  ])
  assert.deepEqual(all!.upgrade, [])
  assert.equal(moved!.redirect!.path, '/new/{id}')
  assert.deepEqual(down!.respond!.headers, { 'retry-after': '60' })
  const { app, other } = config.gateway!.upstreams
  assert.deepEqual(app!.endpoints, [
    {
      url: 'unix:/run/app.sock',
      tls: false,
      raw: false,
      target: { kind: 'unix', path: '/run/app.sock' },
      authority: 'localhost',
      weight: 1,
      draining: false,
    },
    {
      url: 'https://[2001:db8::1]:8443',
      tls: true,
      raw: false,
      target: { kind: 'tcp', host: '2001:db8::1', port: 8443 },
      authority: '[2001:db8::1]:8443',
      weight: 3,
      draining: false,
    },
  ])
  assert.deepEqual(app!.balance, { hash: { cookie: 'sid' } })
  assert.deepEqual(app!.retries, {
    maxRetries: 2,
    retryOn: ['connectFailure', 'reset', 'timeout', 502, 503],
    methods: ['GET', 'PUT'],
    budget: 0.1,
    backOff: { base: 10, max: 1_000 },
    perTryTimeout: 2_000,
  })
  assert.deepEqual(app!.circuitBreaker, {
    trip: { errorRate: 0.5, minRequests: 20, within: 10_000 },
    openFor: 60_000,
    halfOpenRequests: 3,
  })
  assert.deepEqual(app!.admission, { maxInFlight: 512, queue: 128, queueTimeout: 1_000 })
  assert.deepEqual(other, app)
})

test('variables are put in, as numbers and switches where these are wanted', async () => {
  const text = `
listeners: { web: { address: "127.0.0.1:\${PORT:-8080}", door: gateway, limits: { connections: "\${MOST}" } } }
gateway:
  routes: [{ name: all, to: [{ upstream: app, weight: "\${WEIGHT:-5}" }] }, { name: moved, match: { path: /m }, redirect: { to: /n, status: "\${STATUS}" } }]
  upstreams: { app: { endpoints: ["\${APP}"], tls: { verify: "\${VERIFY}" } } }
admin: { address: "127.0.0.1:9900", token: "\${TOKEN}" }
`
  writeFileSync(join(folder, 'variables.yaml'), text)
  const env = { MOST: '7', APP: 'http://127.0.0.1:9000', VERIFY: 'false', STATUS: '302', TOKEN: '12345' }
  const { config } = await loadConfig('variables.yaml', { cwd: folder, env })
  assert.deepEqual(config.listeners['web']!.address, { kind: 'tcp', host: '127.0.0.1', port: 8080 })
  assert.equal(config.listeners['web']!.limits.connections, 7)
  assert.deepEqual(config.gateway!.routes[0]!.to, [{ upstream: 'app', weight: 5 }])
  assert.equal(config.gateway!.routes[1]!.redirect!.status, 302)
  assert.equal(config.gateway!.upstreams['app']!.tls.verify, false)
  assert.equal(config.admin!.token!.reveal(), '12345')
})

test('a secret from a file is read, and shows nowhere', async () => {
  writeFileSync(join(folder, 'token'), 'sesame-open\n')
  const { config, source, revision } = await loadConfigObject(
    {
      listeners: { web: { address: ':8080', door: 'gateway' } },
      gateway: { routes: [{ name: 'hi', respond: { body: 'hi' } }] },
      admin: { address: ':9900', token: { file: 'token' } },
    },
    { cwd: folder, env: {} },
  )
  assert.equal(config.admin!.token!.reveal(), 'sesame-open')
  assert.deepEqual([...source.files.keys()], [join(folder, 'token')])
  assert.doesNotMatch(JSON.stringify(dumpConfig(config)) + revision, /sesame/)
  assert.match(JSON.stringify(dumpConfig(config)), /"token":"\[secret\]"/)
})

test('what is odd is a warning with its place', async () => {
  const text = `listeners: { web: { address: ":8080", door: gateway } }
gateway:
  routes:
    - { name: all, to: app }
  upstreams:
    app: { endpoints: ["http://127.0.0.1:9000"], tls: { serverName: a.example } }
    spare: { endpoints: ["http://127.0.0.1:9001"] }
`
  writeFileSync(join(folder, 'odd.yaml'), text)
  const { warnings } = await loadConfig('odd.yaml', { cwd: folder, env: {} })
  assert.deepEqual(
    warnings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`),
    [
      '6:50 ERR_CONFIG_LINT gateway.upstreams.app.tls: no endpoint is https://, so this is not used',
      '7:5 ERR_CONFIG_LINT gateway.upstreams.spare: no route and no stream leads to this upstream',
    ],
  )
})
