import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import https from 'node:https'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { Turnpike } from '../../src/turnpike.ts'
import { assertLedgerBaseline } from '../support/gateway.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer } from '../support/goproxy/proxy-origin.ts'
import { startRedis } from '../support/goproxy/redis-server.ts'
import { startS3Server } from '../support/goproxy/s3-server.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const examples = path.resolve(import.meta.dirname, '../../examples')

/** An example in a folder of its own, as it stands but for the names that stand-ins have here. */
async function start(t: TestContext, name: string, setup: string, changes: readonly [string, string][]) {
  const folder = mkdtempSync(path.join(examples, '.test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  cpSync(path.join(examples, name), folder, { recursive: true })
  execFileSync(path.join(folder, setup), { stdio: 'ignore' })
  let text = readFileSync(path.join(folder, 'turnpike.yaml'), 'utf8')
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from)
    text = text.replaceAll(from, to)
  }
  writeFileSync(path.join(folder, 'turnpike.yaml'), text)
  const loaded = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  assert.deepEqual(loaded.warnings, [])
  const turnpike = await Turnpike.start(
    { ...loaded, config: { ...loaded.config, log: { ...loaded.config.log, access: null }, admin: null } },
    { logger: { error() {}, warn() {}, info() {}, debug() {} } },
  )
  t.after(async () => {
    await turnpike.stop()
    await assertLedgerBaseline(turnpike)
  })
  const address = turnpike.addresses.get('modules')!
  assert.ok(address.kind === 'tcp')
  return { turnpike, folder, port: address.port }
}

test('examples/goproxy: a company’s module proxy', async (t) => {
  const [tool, hidden] = [
    await makeModule('example.com/tool', 'v1.2.3'),
    await makeModule('git.example.com/ours', 'v1.0.0'),
  ]
  const database = await SumdbServer.start(t)
  await database.add(tool)
  const broken = await startProxyPeer(t, { script: (_, response) => response.writeHead(503).end() })
  const second = await startProxyPeer(t, { modules: [tool, hidden] })
  const { port, folder } = await start(t, 'goproxy', 'setup.sh', [
    ['127.0.0.1:3000', '127.0.0.1:0'],
    ['https://goproxy.cn', broken.url],
    ['https://goproxy.io', second.url],
    [
      '{ name: sum.golang.org, verify: true }',
      `{ name: ${database.name}, key: "${database.verifierKey}", url: "${database.url}", verify: true }`,
    ],
  ])
  const ask = (asked: string, login = 'ci:sesame') =>
    fetch(`http://127.0.0.1:${port}${asked}`, { headers: { authorization: `Basic ${btoa(login)}` } })

  await t.test('auth: nobody else is let in', async () => {
    assert.equal((await fetch(`http://127.0.0.1:${port}/example.com/tool/@v/list`)).status, 401)
    assert.equal((await ask('/example.com/tool/@v/list', 'ci:wrong')).status, 401)
  })

  await t.test(
    'chain: behind `|` the second member stands in for the first; what came is kept and verified',
    async () => {
      const reply = await ask('/example.com/tool/@v/v1.2.3.zip')
      assert.equal(reply.status, 200, await reply.clone().text())
      assert.deepEqual(Buffer.from(await reply.arrayBuffer()), tool.zip)
      assert.ok(broken.asked.length > 0)
      // The client has it a moment before the store does.
      let again: Response
      do {
        again = await ask('/example.com/tool/@v/v1.2.3.zip')
        assert.deepEqual(Buffer.from(await again.arrayBuffer()), tool.zip)
      } while (again.headers.get('x-cache') !== 'hit')
      assert.equal(second.times('.zip'), 1)
      assert.ok(database.asked.some((asked) => asked.startsWith('/lookup/example.com/tool@v1.2.3')))
      const kept = path.join(folder, 'modules/cache/download/example.com/tool/@v/v1.2.3.zip')
      assert.deepEqual(readFileSync(kept), tool.zip)
    },
  )

  await t.test('deny: 403, and nobody is asked', async () => {
    const before = second.asked.length
    assert.equal((await ask('/github.com/evil/x/@v/list')).status, 403)
    assert.equal(second.asked.length, before)
  })

  await t.test('private: never asked of a member, which would have it', async () => {
    // There is no such host here: what matters is who was not asked.
    const { status } = await ask('/git.example.com/ours/@v/v1.0.0.info')
    assert.notEqual(status, 200)
    assert.ok(![...broken.asked, ...second.asked].some((asked) => asked.includes('git.example.com')))
    assert.ok(!database.asked.some((asked) => asked.includes('git.example.com')))
  })

  await t.test('sumdb: mirrored', async () => {
    assert.equal((await ask(`/sumdb/${database.name}/supported`)).status, 200)
  })
})

test('examples/goproxy-mtls: client certificates, a bucket, Redis', async (t) => {
  for (const program of ['openssl', 'versitygw', 'redis-server', 'go']) if (!requireProgram(t, program)) return
  const tool = await makeModule('example.com/tool', 'v1.2.3')
  const database = await SumdbServer.start(t)
  await database.add(tool)
  const peer = await startProxyPeer(t, { modules: [tool] })
  const [s3, redis] = [await startS3Server(), await startRedis()]
  t.after(() => s3.peer.stop())
  t.after(() => redis.stop())
  const { port, folder } = await start(t, 'goproxy-mtls', 'certificates.sh', [
    ['127.0.0.1:3443', '127.0.0.1:0'],
    ['https://goproxy.cn', peer.url],
    ['http://127.0.0.1:9500', `http://127.0.0.1:${s3.peer.port}`],
    ['redis://127.0.0.1:6379/0', `redis://127.0.0.1:${redis.port}/0`],
    [
      '{ name: sum.golang.org, verify: true }',
      `{ name: ${database.name}, key: "${database.verifierKey}", url: "${database.url}", verify: true }`,
    ],
  ])
  const read = (name: string) => readFileSync(path.join(folder, 'certs', name))
  const ask = async (identity: https.RequestOptions) => {
    const request = https.get({
      host: '127.0.0.1',
      port,
      path: '/example.com/tool/@v/v1.2.3.zip',
      ca: read('modules.pem'),
      agent: false,
      ...identity,
    })
    const [reply] = await once(request, 'response')
    const pieces: Buffer[] = []
    for await (const piece of reply) pieces.push(piece)
    return { status: reply.statusCode, body: Buffer.concat(pieces) }
  }
  await assert.rejects(ask({}), 'without a certificate nobody gets in')
  const builder = { cert: read('builder.pem'), key: read('builder-key.pem') }
  for (let time = 0; time < 2; time++) {
    const { status, body } = await ask(builder)
    assert.equal(status, 200, body.toString())
    assert.deepEqual(body, tool.zip)
  }
  assert.equal(peer.times('.zip'), 1)
})

test('the go command takes what the demo of npm start has', async (t) => {
  if (!requireProgram(t, 'go')) return
  const { DemoModules } = await import('../../src/cli/demo-modules.ts')
  const modules = await DemoModules.start()
  t.after(() => modules.stop())
  const go = await GoCommand.make(t, { proxy: modules.url })
  const { code, stdout, stderr } = await go.run(
    'mod',
    'download',
    '-json',
    'example.com/greet@latest',
    'example.com/words@v0.3.0',
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /"Version": "v1\.1\.0"/)
})
