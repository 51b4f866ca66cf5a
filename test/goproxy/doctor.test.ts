import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { goproxySchema } from '../../src/doors/goproxy/config.ts'
import { examineChain } from '../../src/doors/goproxy/doctor/examine-chain.ts'
import { lintReplay } from '../../src/doors/goproxy/doctor/replay-lints.ts'
import { unmeasured } from '../../src/doors/goproxy/doctor/member-meter.ts'
import { PooledHttpClient } from '../../src/engine/client/pooled-http-client.ts'
import { PublicAddresses } from '../../src/policy/public-addresses.ts'
import { CidrSet } from '../../src/core/address.ts'
import { Direct } from '../../src/doors/goproxy/direct/direct.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { testCertificate } from '../support/certificates.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startProxyPeer, type ProxyScript } from '../support/goproxy/proxy-origin.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { TestRepository } from '../support/goproxy/test-repository.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { codesOf, doctorReport, runDoctor } from '../support/goproxy/run-doctor.ts'

const module = 'code.example/tool'
const certificate = testCertificate({ subject: 'member', names: ['IP:127.0.0.1'] })
/** Nobody outside is asked, and nothing but the chain is at fault. */
const env = { GOSUMDB: 'off', GOPRIVATE: 'git.example' }

const answering =
  (status: number): ProxyScript =>
  (_, response) => {
    response.writeHead(status).end()
    return true
  }

test('G4 a chain without fault: every member measured, the download replayed, exit code 0', async (t) => {
  const peer = await startProxyPeer(t, { modules: [await makeModule(module, 'v1.0.0')] })
  const { code, stdout } = await runDoctor(t, [peer.url, `${module}@v1.0.0`, '--json'], {
    env: { ...env, GOSUMDB: '' },
  })
  const { chain, measurements, replay, findings } = JSON.parse(stdout)
  assert.deepEqual(chain, { text: peer.url, source: 'argument', members: [{ url: peer.url, next: ',' }], unread: [] })
  assert.deepEqual(findings, [])
  assert.equal(code, 0)
  const [{ tcp, firstByte, sumdb, ...rest }] = measurements
  assert.deepEqual([tcp.said, firstByte.said, sumdb.said], ['127.0.0.1', '200', '404'])
  assert.deepEqual(rest, {
    member: peer.url,
    path: `/${module}/@v/list`,
    dns: null,
    tls12: null,
    tls13: null,
    isPublic: false,
  })
  assert.equal(replay.succeeds, true)
  const steps = replay.steps.map(({ wants, said }: { wants: string; said: string }) => `${wants} ${said}`)
  assert.deepEqual(steps, ['.info 200', '.mod 200', '.zip 200', 'sumdb 404', 'sumdb '])
})

test('G5 a black hole costs its deadline, and is named with what follows from its mark', async (t) => {
  const [hole, peer] = await Promise.all([startBlackHole(t), startProxyPeer(t)])
  const startMs = performance.now()
  const report = await doctorReport(t, [`http://127.0.0.1:${hole}|${peer.url}`, '--timeout', '300ms'], { env })
  assert.ok(performance.now() - startMs < 5000)
  assert.deepEqual(codesOf(report), ['unverified', 'unreachable'])
  assert.match(report.findings[1]!.text, /ERR_CONNECT_TIMEOUT.*goes on to the next after the 30 s/)
  assert.equal(report.measurements[0]!.tcp!.said, 'ERR_CONNECT_TIMEOUT')
  assert.equal(report.measurements[1]!.firstByte!.said, '404')
  assert.equal(report.recommended, `${peer.url}|http://127.0.0.1:${hole}`)
})

test('G5 a member that takes requests and says nothing', async (t) => {
  const peer = await startProxyPeer(t, { script: () => true })
  const report = await doctorReport(t, [`${peer.url},direct`, '--timeout', '200ms'], { env })
  assert.deepEqual(codesOf(report), ['unverified', 'silent'])
  assert.match(report.findings[1]!.text, /waits for ever/)
  assert.equal(report.recommended, null)
})

test('G5 TLS 1.2 and 1.3 are tried apart, with the authority of the config', async (t) => {
  const old = await startProxyPeer(t, { certificate, maxVersion: 'TLSv1.2' })
  const modern = await startProxyPeer(t, { certificate })
  const config = `
listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }
goproxy:
  chain: "${old.url}|${modern.url}"
  sumdb: off
  upstreams:
    "${old.url}": { tls: { ca: ${certificate.certFile} } }
    "${modern.url}": { tls: { ca: ${certificate.certFile} } }
`
  const report = await doctorReport(t, [], { config })
  assert.equal(report.chain.source.endsWith('turnpike.yaml'), true, report.chain.source)
  const [first, second] = report.measurements
  assert.deepEqual([first!.tls12!.said, first!.tls13!.ok, first!.firstByte!.said], ['TLSv1.2', false, '404'])
  assert.deepEqual([second!.tls12!.said, second!.tls13!.said, second!.firstByte!.said], ['TLSv1.2', 'TLSv1.3', '404'])
  assert.deepEqual(codesOf(report), ['no-tls13'])
})

test('G3 a certificate that nobody trusts', async (t) => {
  const peer = await startProxyPeer(t, { certificate })
  const report = await doctorReport(t, [peer.url], { env })
  assert.deepEqual(codesOf(report), ['unverified', 'unreachable'])
  assert.equal(report.measurements[0]!.tls13!.said, 'ERR_TLS_CERTIFICATE')
  assert.equal(report.measurements[0]!.firstByte, null)
})

test('G9 G24 a member that answers with errors', async (t) => {
  const peer = await startProxyPeer(t, { script: answering(502) })
  const second = await startProxyPeer(t, { script: answering(403) })
  const report = await doctorReport(t, [`${peer.url},${second.url}`], { env: { ...env, GOSUMDB: '' } })
  assert.deepEqual(codesOf(report), ['comma-stops', 'failing', 'sumdb-failing', 'refused', 'sumdb-failing'])
  assert.match(report.findings[1]!.text, /502: the build ends there/)
})

test('G4 a slow member is told from one that is down', async (t) => {
  const peer = await startProxyPeer(t, {
    script: (_, response) => {
      setTimeout(() => response.writeHead(404).end(), 2_200)
      return true
    },
  })
  const report = await doctorReport(t, [peer.url], { env })
  assert.deepEqual(codesOf(report), ['unverified', 'slow'])
})

test('G10 what is no chain is said without asking anybody; unknown names and wrong usage', async (t) => {
  const { code, stdout } = await runDoctor(t, ['direct+https://u:secret@a.example'], { env })
  assert.equal(code, 1)
  assert.match(stdout, /no-chain: chain/)
  assert.doesNotMatch(stdout, /secret/)
  const report = await doctorReport(t, ['http://no-such-name.invalid'], { env })
  assert.equal(report.measurements[0]!.dns!.said, 'ERR_DNS')
  for (const args of [
    ['a', 'b'],
    ['a.example/x@v1', 'b.example/x@v1'],
    ['--timeout', 'x'],
    ['--nonsense'],
    ['NO.module@v1'],
  ])
    assert.equal((await runDoctor(t, args, { env })).code, 2, args.join(' '))
})

test('G10 the chain is the argument, else the config, else GOPROXY', async (t) => {
  const config =
    'listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\ngoproxy: { chain: "off", sumdb: off }\n'
  const told = { env: { ...env, GOPROXY: 'direct' } }
  assert.equal((await doctorReport(t, ['off,off'], { config, ...told })).chain.source, 'argument')
  assert.equal((await doctorReport(t, [], { config, ...told })).chain.text, 'off')
  const { text, source } = (await doctorReport(t, [], told)).chain
  assert.deepEqual([text, source], ['direct', 'GOPROXY'])
})

test('G2 a login in the chain is sent over https, and not shown', async (t) => {
  const peer = await startProxyPeer(t, { certificate })
  const config = `
listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }
goproxy:
  chain: "${peer.url.replace('//', '//ci:hush@')}"
  sumdb: off
  upstreams: { "${peer.url}": { tls: { ca: ${certificate.certFile} } } }
`
  const { stdout } = await runDoctor(t, ['--json'], { config })
  assert.doesNotMatch(stdout, /hush/)
  assert.deepEqual(codesOf(JSON.parse(stdout)), ['login-in-chain'])
  assert.equal(peer.fields[0]!.authorization, `Basic ${Buffer.from('ci:hush').toString('base64')}`)
})

test('G4 the table for people: aligned, and coloured on terminals alone', async (t) => {
  const peer = await startProxyPeer(t, { modules: [await makeModule(module, 'v1.0.0')] })
  const { stdout } = await runDoctor(t, [`${peer.url},direct,x`, `${module}@latest`], { env })
  assert.equal(stdout.includes('\u001b'), false)
  const lines = stdout.split('\n')
  const head = lines.findIndex((line) => line.startsWith('member'))
  const column = lines[head]!.indexOf('status')
  assert.equal(lines[head + 1]!.slice(column, column + 3), '200')
  assert.match(stdout, /replay {2}code\.example\/tool@latest is v1\.0\.0/)
  assert.match(stdout, /The go command gets it\./)
  const shown = await runDoctor(t, [peer.url], { env, isTerminal: true })
  assert.ok(shown.stdout.startsWith('\u001b[1mchain\u001b[0m'))
  const plain = await runDoctor(t, [peer.url], { env: { ...env, NO_COLOR: '1' }, isTerminal: true })
  assert.equal(plain.stdout.includes('\u001b'), false)
  assert.match(stdout, /better {2}GOPROXY=http:\/\/127\.0\.0\.1:\d+,direct/)
})

/** A config whose `direct` has the module in a repository of its own. */
function configWithRepository(t: TestContext, chain: string, more = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-doctor-git-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  new TestRepository(folder).commit({ 'go.mod': `module ${module}\n` }, 'v1.2.3')
  return `
listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }
goproxy:
  chain: "${chain}"
  sumdb: off
  repositories: { "${module}": "file://${folder}" }
${more}`
}

test('G4 G17 behind a comma, direct gets what the proxies do not have', async (t) => {
  if (!requireProgram(t, 'git')) return
  const peer = await startProxyPeer(t)
  const config = configWithRepository(t, `${peer.url},direct`)
  const { replay, findings } = await doctorReport(t, [`${module}@latest`], { config })
  assert.deepEqual([replay!.version, replay!.succeeds, findings], ['v1.2.3', true, []])
  const steps = replay!.steps.map(({ wants, member, said }) => `${wants} ${member} ${said}`)
  assert.deepEqual(steps.slice(0, 2), [`list ${peer.url} 404`, 'git direct v1.2.3'])
  const absent = await doctorReport(t, [`${module}@v9.9.9`], { config })
  assert.deepEqual([absent.replay!.succeeds, codesOf(absent)], [false, ['download-fails']])
})

test('G10 the name of a private module is told to no proxy', async (t) => {
  if (!requireProgram(t, 'git')) return
  const peer = await startProxyPeer(t)
  const config = configWithRepository(t, `${peer.url},direct`, '  private: [code.example]\n')
  const { replay } = await doctorReport(t, [`${module}@v1.2.3`], { config })
  assert.deepEqual(new Set(replay!.steps.map(({ member }) => member)), new Set(['direct']))
  assert.equal(replay!.succeeds, true)
  assert.deepEqual(
    peer.asked.filter((path) => path.includes('code.example')),
    [],
  )
})

test('G10 a name that only git knows, and that public proxies heard first', () => {
  const step = { wants: '.info', tookMs: 1, consequence: '' }
  const replay = {
    module: 'git.corp.example/team/tool',
    query: 'v1.0.0',
    version: 'v1.0.0',
    steps: [
      { ...step, member: 'https://proxy.example', said: '404', outcome: 'absent' as const },
      { ...step, member: 'direct', said: 'v1.0.0', outcome: 'found' as const },
    ],
    succeeds: true,
  }
  const proxy = { ...unmeasured('https://proxy.example'), isPublic: true }
  const [finding] = lintReplay(replay, [proxy, unmeasured('direct')])
  assert.equal(finding!.code, 'name-leaks')
  assert.match(finding!.advice, /GOPRIVATE to a prefix of it, such as git\.corp\.example\/team\./)
  assert.deepEqual(lintReplay(replay, [{ ...proxy, isPublic: false }]), [])
})

test('G24 the first proxy that serves the checksum database is asked for all of it', async (t) => {
  const modules = [await makeModule(module, 'v1.0.0')]
  const serving: ProxyScript = (request, response) => {
    if (!request.url!.startsWith('/sumdb/sum.test/')) return false
    const known = request.url!.endsWith('/supported') || request.url!.endsWith(`/lookup/${module}@v1.0.0`)
    response.writeHead(known ? 200 : 404).end()
    return true
  }
  const first = await startProxyPeer(t, { modules })
  const second = await startProxyPeer(t, { modules, script: serving })
  const report = await doctorReport(t, [`${first.url}|${second.url}`, `${module}@v1.0.0`], {
    env: { ...env, GOSUMDB: 'sum.test' },
  })
  const { steps, succeeds } = report.replay!
  const sumdb = steps.filter(({ wants }) => wants === 'sumdb').map(({ member, said }) => `${member} ${said}`)
  assert.deepEqual(sumdb, [`${first.url} 404`, `${second.url} 200`, `${second.url} 200`])
  assert.equal(succeeds, true)
  first.script = (request, response) => request.url!.startsWith('/sumdb/') && answering(500)(request, response)
  second.script = () => false
  const failing = await doctorReport(t, [`${first.url}|${second.url}`, `${module}@v1.0.0`], {
    env: { ...env, GOSUMDB: 'sum.test' },
  })
  // It could not say, and no direct follows.
  assert.equal(failing.replay!.succeeds, false)
})

test('G5 nothing of an examination is left when it is over', async (t) => {
  const { services, scope } = testScope(t)
  const [hole, peer, silent] = await Promise.all([
    startBlackHole(t),
    startProxyPeer(t, { certificate, modules: [await makeModule(module, 'v1.0.0')] }),
    startProxyPeer(t, { script: () => true }),
  ])
  const config = goproxySchema.parse({ sumdb: 'off' })
  const http = new PooledHttpClient(services, '', scope)
  const guard = new PublicAddresses(new CidrSet([]))
  const direct = new Direct({ config, http, guard, parents: null, services, scope, folder: null })
  const report = await examineChain(
    {
      chain: `http://127.0.0.1:${hole}|${peer.url}|${silent.url}`,
      source: 'test',
      config,
      settings: null,
      module: { path: module, query: 'v1.0.0' },
      timeoutMs: 200,
    },
    { services, http, direct, signal: scope.signal },
  )
  assert.deepEqual(codesOf(report), ['unreachable', 'unreachable', 'silent', 'download-fails'])
  // The scope of the test counts what is alive once it is closed.
  assert.ok(services.ledger.count('scopes') > 0)
})
