import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import type { RequestListener } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { requireProgram } from '../support/peers/require-program.ts'
import { goImport, startGitSite } from '../support/goproxy/git-site.ts'
import { errorOf, testDirect } from '../support/goproxy/test-direct.ts'

const SITE_ONLY = /^8\.0\.0\.\d:(?:443|80)$/

const remotes: Readonly<Record<string, string>> = {
  'a program': 'ext::sh -c whoami',
  'a program without blanks': 'ext::whoami',
  'a folder': 'file:///etc',
  'a path': '/etc',
  'host and path': 'git.test:simple',
  'an option': '--upload-pack=whoami',
  'an option as the host': 'ssh://-oProxyCommand=whoami/x',
  'an option as the user': 'ssh://-oProxyCommand=whoami@git.test/x',
  'an option as the path': 'ssh://git.test/-x',
  'another transport': 'git://git.test/simple',
  'plain http': 'http://git.test/simple',
  'a password': 'https://bot:secret@git.test/simple',
}

for (const [name, remote] of Object.entries(remotes)) {
  test(`G18 a go-import answer that names ${name} is refused: git is not even started`, async (t) => {
    const site = await startGitSite(t)
    site.pages.set('code.test/x', goImport(`code.test/x git ${remote}`))
    const { direct, ask, services, dialled } = testDirect(t, site)
    const error = await errorOf(direct.list('code.test/x', ask()))
    // One with blanks has too many fields to be read at all.
    assert.equal(error.code, remote.includes(' ') ? 'ERR_MODULE_NOT_FOUND' : 'ERR_MODULE_VCS')
    assert.doesNotMatch(error.message, /secret/)
    assert.equal(services.ledger.snapshot().processes.total, 0)
    assert.deepEqual(dialled, ['8.0.0.1:443'])
  })
}

const inner: Readonly<Record<string, string>> = {
  'a name that leads inside': 'https://inner.test/x',
  'a metadata service': 'https://meta.test/x',
  'a loopback address': 'https://127.0.0.1/x',
  'a loopback address as a number': 'https://2130706433/x',
  'a loopback address of IPv6': 'https://[::1]/x',
  'one inside by ssh': 'ssh://git@inner.test/x',
}

for (const [name, remote] of Object.entries(inner)) {
  test(`G18 a go-import answer that names ${name} is never dialled`, async (t) => {
    if (!requireProgram(t, 'git', 'ssh')) return
    const site = await startGitSite(t)
    site.pages.set('code.test/x', goImport(`code.test/x git ${remote}`))
    const { direct, ask, dialled } = testDirect(t, site)
    const error = await errorOf(direct.list('code.test/x', ask()))
    assert.equal(error.code, 'ERR_ADDRESS_FORBIDDEN')
    assert.equal(error.status, 403)
    assert.deepEqual(dialled, ['8.0.0.1:443'])
  })
}

const redirect =
  (to: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(302, { Location: to }).end()

test('G18 redirects of pages, of module proxies and of git are guarded one by one', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/page', redirect('https://inner.test/page?go-get=1'))
  site.pages.set('code.test/plain', redirect('http://other.test/page?go-get=1'))
  site.pages.set('code.test/git', goImport('code.test/git git https://git.test/led'))
  site.pages.set('git.test/led/info/refs', redirect('https://meta.test/led/info/refs?service=git-upload-pack'))
  site.pages.set('code.test/proxy', goImport('code.test/proxy mod https://inner.test/modules'))
  site.pages.set('code.test/proxied', goImport('code.test/proxied mod https://goproxy.test'))
  site.pages.set('goproxy.test/code.test/proxied/@v/list', redirect('https://meta.test/list'))
  const { direct, ask, dialled } = testDirect(t, site)
  for (const module of ['page', 'git', 'proxy', 'proxied']) {
    const error = await errorOf(direct.list(`code.test/${module}`, ask()), module)
    assert.equal(error.code, 'ERR_ADDRESS_FORBIDDEN', `${module}: ${error.message}`)
  }
  // G3: never from https to http.
  assert.equal((await errorOf(direct.list('code.test/plain', ask()))).code, 'ERR_MODULE_VCS')
  for (const address of dialled) assert.match(address, SITE_ONLY)
  assert.ok(!dialled.includes('8.0.0.3:80'))
})

test('G18 addresses that the config allows are connected to', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/x', goImport('code.test/x git https://inner.test/x'))
  const { direct, ask, dialled } = testDirect(t, site, { guard: { allow: ['127.0.0.0/8'] } })
  const error = await errorOf(direct.list('code.test/x', ask()))
  assert.notEqual(error.code, 'ERR_ADDRESS_FORBIDDEN')
  assert.ok(dialled.includes('127.0.0.1:443'))
})

test('git logs in with what the config has for the host, which no other host, argument or error gets to see', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('private/x', 'code.test/x')
  repository.commit({ 'go.mod': 'module code.test/x\n' }, 'v1.0.0')
  const seen: string[] = []
  site.pages.set('git.test/led/info/refs', (request, response) => {
    seen.push(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }))
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end()
      return
    }
    response.writeHead(302, { Location: 'https://other.test/led/info/refs?service=git-upload-pack' }).end()
  })
  const elsewhere: (string | undefined)[] = []
  site.pages.set('other.test/led/info/refs', (request, response) => {
    elsewhere.push(request.headers.authorization)
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end()
  })
  site.pages.set('code.test/led', goImport('code.test/led git https://git.test/led'))
  const credentials = [{ host: 'git.test', username: 'bot', password: 's3cret word' }]
  const known = testDirect(t, site, { credentials })
  assert.deepEqual(await known.direct.list('code.test/x', known.ask()), ['v1.0.0'])
  assert.equal((await known.zip('code.test/x', 'v1.0.0')).files, 1)
  const error = await errorOf(known.direct.list('code.test/led', known.ask()))
  assert.doesNotMatch(error.message, /s3cret/)
  assert.ok(seen.some((processes) => processes.includes('ls-remote')))
  for (const processes of seen) assert.doesNotMatch(processes, /s3cret/)
  assert.ok(elsewhere.length > 0)
  for (const authorization of elsewhere) assert.equal(authorization, undefined)
})

test('without a login nobody is asked for one: it fails at once, as absent where the host says so', async (t) => {
  const site = await startGitSite(t)
  site.repository('private/x', 'code.test/x').commit({ 'go.mod': 'module code.test/x\n' }, 'v1.0.0')
  site.pages.set('code.test/gone', goImport('code.test/gone git https://git.test/private/gone'))
  site.pages.set('git.test/private/gone', (_request, response) => void response.writeHead(404).end())
  site.pages.set('code.test/nowhere', goImport('code.test/nowhere git https://git.test/nowhere'))
  const { direct, ask } = testDirect(t, site)
  const asked = await errorOf(direct.list('code.test/x', ask()))
  assert.equal(asked.code, 'ERR_MODULE_VCS')
  assert.match(asked.message, /could not read Username/)
  assert.equal((await errorOf(direct.list('code.test/gone', ask()))).code, 'ERR_MODULE_NOT_FOUND')
  assert.equal((await errorOf(direct.list('code.test/nowhere', ask()))).code, 'ERR_MODULE_NOT_FOUND')
})

test('G5 a git that hangs is ended at its deadline, and when nobody wants its answer any more', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/hang'))
  site.pages.set('git.test/hang/info/refs', () => {})
  const { direct, ask, services } = testDirect(t, site, {}, { remoteMs: 600, localMs: 600 })
  const error = await errorOf(direct.list('code.test/x', ask()))
  assert.equal(`${error.code} ${error.status}`, 'ERR_MODULE_VCS 504')
  assert.equal(services.ledger.count('processes'), 0)

  const started = Promise.withResolvers<void>()
  site.pages.set('git.test/hang/info/refs', () => started.resolve())
  const patient = testDirect(t, site)
  const controller = new AbortController()
  const answer = patient.direct.list('code.test/x', { ...patient.ask(), signal: controller.signal })
  await started.promise
  controller.abort(new Error('nobody waits'))
  await assert.rejects(answer, /nobody waits/)
  assert.equal(patient.services.ledger.count('processes'), 0)
  // What git had started went with it.
  assert.doesNotMatch(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), /git\.test\/hang/)
})

test('a git that does not listen is killed, and what it started with it', async (t) => {
  const site = await startGitSite(t)
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-deaf-git-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = process.env.PATH ?? ''
  writeFileSync(join(folder, 'git'), "#!/bin/sh\ntrap '' TERM\nsleep 61.25\nsleep 61.25\n", { mode: 0o755 })
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/x'))
  const { direct, ask, services } = testDirect(t, site, {}, { remoteMs: 300, localMs: 300 })
  process.env.PATH = `${folder}:${path}`
  const startedAt = performance.now()
  const error = await errorOf(direct.list('code.test/x', ask())).finally(() => (process.env.PATH = path))
  assert.equal(error.status, 504)
  assert.ok(performance.now() - startedAt < 10_000)
  assert.equal(services.ledger.count('processes'), 0)
  assert.doesNotMatch(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), /sleep 61\.25/)
})

test('a git that is still running ends with the scope', async (t) => {
  const site = await startGitSite(t)
  const started = Promise.withResolvers<void>()
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/hang'))
  site.pages.set('git.test/hang/info/refs', () => started.resolve())
  const { direct, ask, scope, services } = testDirect(t, site)
  const answer = assert.rejects(direct.list('code.test/x', ask()))
  await started.promise
  await scope.close()
  assert.equal(services.ledger.count('processes'), 0)
  await answer
})

test('a repository with more tags than any has is refused', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/many'))
  // The plain protocol of old: a file of names, here a million of them.
  site.pages.set('git.test/many/info/refs', (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' })
    let sent = 0
    const more = (): void => {
      while (sent < 1_000_000) {
        const lines = Array.from({ length: 1000 }, (_, at) => `${'1'.repeat(40)}\trefs/tags/v0.0.${sent + at}\n`)
        sent += lines.length
        if (!response.write(lines.join(''))) return
      }
      response.end()
    }
    response.on('drain', more)
    more()
  })
  site.pages.set('git.test/many/HEAD', (_request, response) => void response.end('ref: refs/heads/main\n'))
  const { direct, ask, services } = testDirect(t, site)
  const error = await errorOf(direct.list('code.test/x', ask()))
  assert.equal(error.code, 'ERR_MODULE_TOO_LARGE')
  assert.equal(services.ledger.count('processes'), 0)
})

test('G21 a go.mod, a zip and its contents are no larger than the limits', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('large', 'code.test/large')
  repository.commit({ 'go.mod': 'module code.test/large\n', 'zeros.bin': Buffer.alloc(300_000) }, 'v1.0.0')
  repository.commit({ 'go.mod': `module code.test/large\n${'// much\n'.repeat(1000)}` }, 'v1.1.0')
  const { direct, ask, zip } = testDirect(t, site, { limits: { zip: '200KiB', mod: '4KiB' } })
  assert.equal((await errorOf(zip('code.test/large', 'v1.0.0'))).code, 'ERR_MODULE_TOO_LARGE')
  assert.equal((await errorOf(direct.info('code.test/large', 'v1.1.0', ask()))).code, 'ERR_MODULE_TOO_LARGE')
})

test('a machine without git says so', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/x'))
  const { direct, ask, services } = testDirect(t, site)
  const path = process.env.PATH
  process.env.PATH = '/nonexistent'
  const error = await errorOf(direct.list('code.test/x', ask())).finally(() => (process.env.PATH = path))
  assert.equal(`${error.code} ${error.message}`, 'ERR_MODULE_VCS git is not installed.')
  assert.equal(services.ledger.count('processes'), 0)
})

test('a folder that cannot be written is told as that', async (t) => {
  const site = await startGitSite(t)
  site.repository('x', 'code.test/x').commit({ 'go.mod': 'module code.test/x\n' }, 'v1.0.0')
  const { direct, ask, clone } = testDirect(t, site)
  const folder = dirname(clone('https://git.test/x'))
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'not a folder')
  const error = await errorOf(direct.info('code.test/x', 'v1.0.0', ask()))
  assert.equal(error.code, 'ERR_MODULE_STORE')
})
