import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { testCertificate } from '../support/certificates.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { startModules } from '../support/goproxy/module-door.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'
import { requireProgram } from '../support/peers/require-program.ts'

/** Upper case, a submodule, /vN, gopkg.in, +incompatible, a toolchain's shape of version, no go.mod. */
async function everyKind(): Promise<ModuleFixture[]> {
  return await Promise.all([
    makeModule('github.com/Acme/Tool', 'v1.0.0'),
    makeModule('github.com/Acme/Tool', 'v1.1.0-RC.1'),
    makeModule('github.com/Acme/Tool/sub/Dir', 'v0.2.0'),
    makeModule('github.com/Acme/Tool/v2', 'v2.3.4'),
    makeModule('gopkg.in/acme.v3', 'v3.0.1'),
    makeModule('github.com/acme/old', 'v4.5.6+incompatible', { withoutGoMod: true }),
    makeModule('github.com/acme/pseudo', 'v0.0.0-20240203040506-abcdef123456'),
  ])
}

async function downloads(go: GoCommand, modules: readonly ModuleFixture[]): Promise<void> {
  const names = modules.map(({ module, version }) => `${module}@${version}`)
  const { code, stdout, stderr } = await go.run('mod', 'download', '-json', ...names)
  assert.equal(code, 0, stderr + stdout)
  const sums = new Map(
    [...stdout.matchAll(/"Path": "([^"]+)"[^}]*"Sum": "([^"]+)"/g)].map(([, path, sum]) => [path, sum]),
  )
  for (const { module, version, h1 } of modules) {
    if (module === 'github.com/Acme/Tool' && version !== 'v1.1.0-RC.1') continue
    assert.equal(sums.get(module), h1, `${module}@${version}`)
  }
}

describe('the go command through the module proxy', () => {
  test('G1 G2 G11 G14 G15 G16 modules of every kind', async (t) => {
    if (!requireProgram(t, 'go')) return
    const modules = await everyKind()
    const door = await startModules(t, { modules })
    const go = await GoCommand.make(t, { proxy: door.url })
    await downloads(go, modules)
    const versions = await go.run('list', '-m', '-versions', 'github.com/Acme/Tool')
    assert.equal(versions.stdout, 'github.com/Acme/Tool v1.0.0 v1.1.0-RC.1\n', versions.stderr)
    await door.settled()
    const asked = door.peer.asked.length
    await go.forget()
    await downloads(go, modules)
    assert.equal(door.peer.asked.length, asked, 'the second time nobody is asked')
  })

  test('G8 the go command shows what happened', async (t) => {
    if (!requireProgram(t, 'go')) return
    const door = await startModules(t, { goproxy: { deny: ['github.com/evil'] } })
    const go = await GoCommand.make(t, { proxy: `${door.url},http://127.0.0.1:1` })
    const denied = await go.run('mod', 'download', 'github.com/evil/x@v1.0.0')
    assert.equal(denied.code, 1)
    assert.match(denied.stderr, /403 Forbidden/)
    assert.match(
      denied.stderr,
      /github\.com\/evil\/x is denied by the policy of this module proxy \(deny: github\.com\/evil\)\./,
    )
    assert.match(denied.stderr, /ERR_MODULE_DENIED, request [\w-]+/)
    // G4: after a comma, so that a 403 ends it.
    assert.doesNotMatch(denied.stderr, /127\.0\.0\.1:1/)
    const gone = await go.run('mod', 'download', 'github.com/nobody/x@v1.0.0')
    assert.match(gone.stderr, /127\.0\.0\.1:1/, 'after a 404 the next one is asked')
  })

  test('G24 G25 G26 through the mirrored checksum database', async (t) => {
    if (!requireProgram(t, 'go')) return
    const modules = await everyKind()
    const database = await SumdbServer.start(t)
    await database.add(...modules)
    const { name, verifierKey, url } = database
    const door = await startModules(t, { modules, goproxy: { sumdb: { name, key: verifierKey, url } } })
    const go = await GoCommand.make(t, { proxy: door.url, sumdb: verifierKey })
    await downloads(go, modules)
    const supported = await door.ask(`/sumdb/${name}/supported`)
    assert.equal(supported.status, 200)
    const latest = await door.ask(`/sumdb/${name}/latest`)
    assert.match(latest.body, /^go\.sum database tree\n/)
    assert.equal((await door.ask('/sumdb/sum.other.example/supported')).status, 404)
  })

  test('below a gateway route with middleware, as in all.yaml', async (t) => {
    if (!requireProgram(t, 'go')) return
    const modules = await everyKind()
    const door = await startModules(t, {
      modules,
      listener: { door: 'gateway' },
      config: {
        middlewares: { 'per-client': { rateLimit: { rate: '600/m', burst: 100, by: 'clientIp' } } },
        gateway: {
          routes: [
            { name: 'modules', match: { path: '/go/**' }, use: ['per-client'], to: { goproxy: { mount: '/go' } } },
            {
              name: 'stripped',
              match: { path: '/x/**' },
              use: [{ stripPrefix: { prefix: '/x' } }],
              to: { goproxy: {} },
            },
          ],
        },
      },
    })
    const go = await GoCommand.make(t, { proxy: `${door.url}/go` })
    await downloads(go, modules)
    const reply = await door.ask('/go/github.com/!acme/!tool/@v/list')
    assert.equal(reply.status, 200)
    assert.match(reply.field('ratelimit')!, /"per-client"/)
    for (const { route } of await door.logged(1)) assert.equal(route, 'modules')
    assert.equal((await door.ask('/x/github.com/!acme/!tool/@v/list')).body, reply.body)
    const wrong = await door.ask('/go/nothing')
    assert.equal(wrong.status, 404)
    assert.match(wrong.body, /ERR_MODULE_PATH/)
  })

  test('G7 with credentials of a netrc file, over https alone', async (t) => {
    if (!requireProgram(t, 'go', 'openssl')) return
    const server = testCertificate({ subject: 'modules.test', names: ['IP:127.0.0.1', 'DNS:localhost'] })
    const modules = await everyKind()
    const door = await startModules(t, {
      modules,
      listener: { tls: { certificates: [{ cert: server.certFile, key: server.keyFile }] } },
      goproxy: { auth: { basic: { users: { ci: 'sesame' } } } },
    })
    const netrc = join(await temporaryFolder(t), 'netrc')
    await writeFile(netrc, `machine localhost:${door.port} login ci password sesame\n`, { mode: 0o600 })
    const proxy = `https://localhost:${door.port}`
    const without = await GoCommand.make(t, { proxy, env: { SSL_CERT_FILE: server.certFile } })
    const refused = await without.run('mod', 'download', 'github.com/Acme/Tool@v1.0.0')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /401 Unauthorized/)
    assert.match(refused.stderr, /netrc/)
    const go = await GoCommand.make(t, { proxy, env: { SSL_CERT_FILE: server.certFile, NETRC: netrc } })
    await downloads(go, modules)
  })
})

describe('curl', () => {
  test('G6 goes on with a download that was cut', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const data = createHash('shake256', { outputLength: 3_000_000 }).update('cut').digest()
    const made = await makeModule('example.com/big', 'v1.0.0', { files: { 'data.bin': data } })
    const door = await startModules(t, { modules: [made] })
    const url = `${door.url}/example.com/big/@v/v1.0.0.zip`
    const file = join(await temporaryFolder(t), 'big.zip')
    const curl = (...args: string[]) => promisify(execFile)('curl', ['-sS', '-o', file, ...args, url])
    await curl()
    await door.settled()
    assert.ok((await readFile(file)).equals(made.zip))
    const handle = await open(file, 'r+')
    await handle.truncate(1_234_567)
    await handle.close()
    await curl('-C', '-')
    assert.ok((await readFile(file)).equals(made.zip))
    const line = await door.line(2)
    assert.deepEqual([line.status, line.bytesOut], [206, made.zip.length - 1_234_567])
  })

  test('G6 the same over HTTP/2', async (t) => {
    if (!requireProgram(t, 'curl')) return
    const data = createHash('shake256', { outputLength: 1_000_000 }).update('h2').digest()
    const made = await makeModule('example.com/big', 'v1.0.0', { files: { 'data.bin': data } })
    const door = await startModules(t, { modules: [made], listener: { http2: true } })
    const place = `${door.url}/example.com/big/@v`
    for (const round of ['cold', 'warm']) {
      const zip = await curlHttp2(`${place}/v1.0.0.zip`)
      assert.equal(zip.status, '2 200', round)
      assert.ok(zip.body.equals(made.zip), round)
      const mod = await curlHttp2(`${place}/v1.0.0.mod`)
      assert.deepEqual([mod.status, mod.body.toString()], ['2 200', made.mod.toString()])
    }
    await door.settled()
    const part = await curlHttp2(`${place}/v1.0.0.zip`, '-r', '999000-')
    assert.equal(part.status, '2 206')
    assert.ok(part.body.equals(made.zip.subarray(999_000)))
    const head = await curlHttp2(`${place}/v1.0.0.zip`, '-I')
    assert.match(head.body.toString(), new RegExp(`^content-length: ${made.zip.length}\r$`, 'm'))
    const gone = await curlHttp2(`${place}/v1.0.1.mod`)
    assert.equal(gone.status, '2 404')
    assert.match(gone.body.toString(), /ERR_MODULE_NOT_FOUND, request/)
  })
})

/** What curl gets over HTTP/2, and `2 200`: version and status. */
async function curlHttp2(url: string, ...args: string[]): Promise<{ body: Buffer; status: string }> {
  const all = ['-sS', '--http2-prior-knowledge', '-w', '%{stderr}%{http_version} %{http_code}', ...args, url]
  const { stdout, stderr } = await promisify(execFile)('curl', all, { encoding: 'buffer' })
  return { body: stdout, status: stderr.toString() }
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-door-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
