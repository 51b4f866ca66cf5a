import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileText } from '../../src/core/file-text.ts'
import { findProgram, requireProgram } from '../support/peers/require-program.ts'
import { accepts } from '../support/peers/spawn-peer.ts'
import { freePort } from '../support/peers/free-port.ts'
import { goImport, startGitSite } from '../support/goproxy/git-site.ts'
import { errorOf, testDirect } from '../support/goproxy/test-direct.ts'

test('G18 a page speaks for a shorter path only where that path’s own page says the same', async (t) => {
  const site = await startGitSite(t)
  site.repository('x').commit({ 'go.mod': 'module code.test/x/sub\n' }, 'v1.0.0')
  const page = goImport('code.test/x git https://git.test/x')
  site.pages.set('code.test/x/sub', page)
  const { direct, ask } = testDirect(t, site)
  const absent = await errorOf(direct.list('code.test/x/sub', ask()))
  assert.equal(absent.code, 'ERR_MODULE_NOT_FOUND')
  site.pages.set('code.test/x', goImport('code.test/x git https://git.test/other'))
  const denied = await errorOf(direct.list('code.test/x/sub', ask()))
  assert.match(denied.message, /disagree about go-import for code\.test\/x/)
  site.pages.set('code.test/x', page)
  assert.deepEqual(await direct.list('code.test/x/sub', ask()), [])
})

test('G9 a host that does not know, one that fails and one that is not there are three things', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/failing', (_request, response) => void response.writeHead(503).end())
  site.pages.set('code.test/silent', (_request, response) => void response.end('<html><body>hello</body></html>'))
  site.pages.set('code.test/hg', goImport('code.test/hg hg https://git.test/hg'))
  site.pages.set('code.test/two', (_request, response) => {
    const tag = '<meta name="go-import" content="code.test/two git https://git.test/x">'
    response.end(`<html><head>${tag}${tag}</head></html>`)
  })
  const { direct, ask } = testDirect(t, site)
  const codes: Record<string, string> = {}
  for (const module of ['unknown', 'failing', 'silent', 'hg', 'two'])
    codes[module] = (await errorOf(direct.list(`code.test/${module}`, ask()))).code
  assert.deepEqual(codes, {
    unknown: 'ERR_MODULE_NOT_FOUND',
    failing: 'ERR_MODULE_VCS',
    silent: 'ERR_MODULE_NOT_FOUND',
    hg: 'ERR_MODULE_VCS',
    two: 'ERR_MODULE_NOT_FOUND',
  })
  assert.equal((await errorOf(direct.list('nowhere.test/x', ask()))).code, 'ERR_DNS')
  assert.equal((await errorOf(direct.list('nodots/x', ask()))).code, 'ERR_MODULE_NOT_FOUND')
})

test('G18 `mod` in a go-import answer leads to a module proxy, and is preferred', async (t) => {
  const site = await startGitSite(t)
  site.pages.set('code.test/proxied', (_request, response) => {
    const tags = ['git https://git.test/nothing', 'mod https://goproxy.test/modules'].map(
      (rest) => `<meta name="go-import" content="code.test/proxied ${rest}">`,
    )
    response.end(`<html><head>${tags.join('')}</head></html>`)
  })
  site.pages.set(
    'goproxy.test/modules/code.test/proxied/@v/list',
    (_request, response) => void response.end('v1.0.0\n'),
  )
  site.pages.set('goproxy.test/modules/code.test/proxied/@v/v1.0.0.mod', (_request, response) => {
    response.end('module code.test/proxied\n')
  })
  const { direct, ask } = testDirect(t, site)
  assert.deepEqual(await direct.list('code.test/proxied', ask()), ['v1.0.0'])
  assert.equal(String(await direct.mod('code.test/proxied', 'v1.0.0', ask())), 'module code.test/proxied\n')
  assert.equal((await errorOf(direct.info('code.test/proxied', 'v2.0.0', ask()))).code, 'ERR_MODULE_NOT_FOUND')
})

test('modules among `insecure` are found and fetched over plain http where https fails', async (t) => {
  const site = await startGitSite(t)
  site.repository('plain').commit({ 'go.mod': 'module other.test/plain\n' }, 'v1.0.0')
  site.pages.set('other.test/plain', (request, response) => {
    if ('encrypted' in request.socket) response.writeHead(404).end()
    else goImport('other.test/plain git http://git.test/plain')(request, response)
  })
  const strict = testDirect(t, site)
  assert.equal((await errorOf(strict.direct.list('other.test/plain', strict.ask()))).code, 'ERR_MODULE_NOT_FOUND')
  const { direct, ask, zip, dialled } = testDirect(t, site, { insecure: ['other.test'] })
  assert.deepEqual(await direct.list('other.test/plain', ask()), ['v1.0.0'])
  assert.equal((await zip('other.test/plain', 'v1.0.0')).files, 1)
  assert.ok(dialled.includes('8.0.0.2:80'))
})

test('a folder that the config names is read without any network, prefixes by the longest', async (t) => {
  const site = await startGitSite(t)
  const short = site.repository('short')
  const long = site.repository('long')
  short.commit({ 'go.mod': 'module corp.test/a\n' }, 'v1.0.0')
  long.commit({ 'go.mod': 'module corp.test/a/lib\n', 'a.go': 'package a\n' }, 'v1.5.0')
  const { direct, ask, zip, dialled } = testDirect(t, site, {
    repositories: { 'corp.test/a': `file://${short.folder}`, 'corp.test/a/lib': `file://${long.folder}` },
  })
  assert.deepEqual(await direct.list('corp.test/a', ask()), ['v1.0.0'])
  assert.deepEqual(await direct.list('corp.test/a/lib', ask()), ['v1.5.0'])
  assert.equal((await zip('corp.test/a/lib', 'v1.5.0')).files, 2)
  assert.deepEqual(dialled, [])
})

test('G17 repositories with SHA-256 hashes are read', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('sha256')
  rmSync(join(repository.folder, '.git'), { recursive: true })
  repository.git('init', '-q', '-b', 'main', '--object-format=sha256')
  repository.commit({ 'go.mod': 'module corp.test/long\n' }, 'v1.0.0')
  const hash = repository.commit({ 'a.go': 'package a\n' })
  const { direct, ask, zip } = testDirect(t, site, {
    repositories: { 'corp.test/long': `file://${repository.folder}` },
  })
  const { version } = await direct.info('corp.test/long', 'main', ask())
  assert.match(version, new RegExp(`^v1\\.0\\.1-0\\.\\d{14}-${hash.slice(0, 12)}$`))
  assert.equal((await zip('corp.test/long', version)).files, 2)
})

test('what is pushed later is seen by the next question; what was a version stays it', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('moving', 'code.test/moving')
  const first = repository.commit({ 'go.mod': 'module code.test/moving\n' }, 'v1.0.0')
  const { direct, ask, zip } = testDirect(t, site)
  assert.equal((await direct.info('code.test/moving', 'main', ask())).version, 'v1.0.0')
  repository.commit({ 'a.go': 'package a\n' })
  const { version } = await direct.info('code.test/moving', 'main', ask())
  assert.match(version, /^v1\.0\.1-0\./)
  repository.commit({ 'a.go': 'package a // 2\n' }, 'v1.1.0')
  assert.deepEqual(await direct.list('code.test/moving', ask()), ['v1.0.0', 'v1.1.0'])
  repository.commit({ 'a.go': 'package a // 3\n' })
  const later = await direct.info('code.test/moving', 'main', ask())
  assert.match(later.version, /^v1\.1\.1-0\./, 'its base came after the history was fetched')
  repository.git('tag', '-f', 'v1.0.0')
  const moved = await direct.info('code.test/moving', 'v1.0.0', ask())
  assert.equal(JSON.parse(String(moved.bytes)).Origin.Hash, first)
  assert.equal((await zip('code.test/moving', 'v1.0.0')).files, 1)
})

test('many questions at once to one repository are all answered', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('busy', 'code.test/busy')
  for (let minor = 0; minor < 6; minor++) {
    repository.commit({ 'go.mod': 'module code.test/busy\n', 'a.go': `package a // ${minor}\n` }, `v1.${minor}.0`)
  }
  repository.commit({ 'b.go': 'package a\n' })
  const { direct, ask, zip } = testDirect(t, site, { limits: { concurrentFetches: 4 } })
  const versions = [0, 1, 2, 3, 4, 5].map((minor) => `v1.${minor}.0`)
  const answers = await Promise.all([
    ...versions.map((version) => zip('code.test/busy', version).then(({ files }) => files)),
    direct.info('code.test/busy', 'main', ask()).then(({ version }) => version.slice(0, 9)),
  ])
  assert.deepEqual(answers, [2, 2, 2, 2, 2, 2, 'v1.5.1-0.'])
})

test('a clone that a killed run left half-done is used again', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('left', 'code.test/left')
  repository.commit({ 'go.mod': 'module code.test/left\n' }, 'v1.0.0')
  const { direct, ask, clone } = testDirect(t, site)
  await direct.info('code.test/left', 'v1.0.0', ask())
  const folder = clone('https://git.test/left')
  writeFileSync(join(folder, 'shallow.lock'), '')
  writeFileSync(join(folder, 'refs', 'tags', 'v1.1.0.lock'), '')
  repository.commit({ 'a.go': 'package a\n' }, 'v1.1.0')
  assert.equal((await direct.info('code.test/left', 'v1.1.0', ask())).version, 'v1.1.0')
  rmSync(join(folder, 'info', 'attributes'))
  repository.commit({ 'a.go': 'package a // 2\n' }, 'v1.2.0')
  assert.equal((await direct.info('code.test/left', 'v1.2.0', ask())).version, 'v1.2.0')
})

test('G9 a clone that is damaged is an error, and makes nothing look absent', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('hurt', 'code.test/hurt')
  const hash = repository.commit({ 'go.mod': 'module code.test/hurt\n' }, 'v1.0.0')
  const { direct, ask, clone } = testDirect(t, site)
  await direct.info('code.test/hurt', 'v1.0.0', ask())
  const blob = repository.git('rev-parse', `${hash}:go.mod`)
  const folder = join(clone('https://git.test/hurt'), 'objects')
  rmSync(join(folder, blob.slice(0, 2), blob.slice(2)))
  assert.equal((await errorOf(direct.mod('code.test/hurt', 'v1.0.0', ask()))).code, 'ERR_MODULE_VCS')
})

test('a tag that is of no commit is an unknown revision', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('keys', 'code.test/keys')
  repository.commit({ 'go.mod': 'module code.test/keys\n', key: 'x' })
  repository.git('tag', 'key', 'HEAD:key')
  repository.git('tag', 'tree', 'HEAD^{tree}')
  const { direct, ask } = testDirect(t, site)
  for (const query of ['key', 'tree', 'main~1', 'main^{tree}', 'a..b', '@{0}']) {
    const error = await errorOf(direct.info('code.test/keys', query, ask()), query)
    assert.equal(error.code, 'ERR_MODULE_NOT_FOUND', `${query}: ${error.message}`)
  }
})

test('G18 git over ssh: through the guard, with the key and the known hosts of the config', async (t) => {
  if (!requireProgram(t, 'sshd', 'ssh', 'ssh-keygen')) return
  const site = await startGitSite(t)
  const repository = site.repository('shell')
  repository.commit({ 'go.mod': 'module code.test/shell\n' }, 'v1.0.0')
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-sshd-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  }
  const port = await freePort()
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'user.pub')))
  writeFileSync(
    join(folder, 'sshd.conf'),
    `ListenAddress 127.0.0.1:${port}\nHostKey ${folder}/host\nAuthorizedKeysFile ${folder}/authorized\nStrictModes no
UsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n`,
  )
  // Where it is started as root, it wants a folder of its own to be there.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const server = spawn(findProgram('sshd')!, ['-D', '-e', '-f', join(folder, 'sshd.conf')], { stdio: 'ignore' })
  t.after(async () => {
    server.kill()
    await once(server, 'exit')
  })
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 10))
  site.sshPort = port
  const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
  site.pages.set('code.test/shell', goImport(`code.test/shell git ssh://${user}@git.test${repository.folder}`))
  const known = join(folder, 'known')
  const [kind, key] = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ')
  writeFileSync(known, `git.test ${kind} ${key}\n`)

  const sshKey = join(folder, 'user')
  const harness = testDirect(t, site, { credentials: [{ host: 'git.test', sshKey, knownHosts: known }] })
  assert.deepEqual(await harness.direct.list('code.test/shell', harness.ask()), ['v1.0.0'])
  assert.equal((await harness.zip('code.test/shell', 'v1.0.0')).files, 1)
  assert.ok(harness.dialled.includes('8.0.0.2:22'))

  writeFileSync(known, `git.test ${kind} ${readFileSync(join(folder, 'user.pub'), 'utf8').split(' ')[1]}\n`)
  const other = testDirect(t, site, { credentials: [{ host: 'git.test', sshKey, knownHosts: known }] })
  const error = await errorOf(other.direct.list('code.test/shell', other.ask()))
  assert.equal(error.code, 'ERR_MODULE_VCS')
  assert.match(error.message, /Host key verification failed/)
})

test('logins of a netrc file are used, the config’s own before them', async (t) => {
  const site = await startGitSite(t)
  site.repository('private/x', 'code.test/x').commit({ 'go.mod': 'module code.test/x\n' }, 'v1.0.0')
  const netrc = new FileText('netrc')
  netrc.fill('/netrc', 'machine git.test\n  login bot password "s3cret word"\n')
  const { direct, ask } = testDirect(t, site, {}, undefined, netrc)
  assert.deepEqual(await direct.list('code.test/x', ask()), ['v1.0.0'])
})
