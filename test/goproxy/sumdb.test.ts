import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { generateSignerKey } from '../../src/gomod/sumdb/note-key.ts'
import { GoCommand } from '../support/goproxy/go-command.ts'
import { startModules, type ModuleDoorOptions } from '../support/goproxy/module-door.ts'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { SumdbServer } from '../support/goproxy/sumdb-server.ts'
import { TestRepository } from '../support/goproxy/test-repository.ts'
import { requireProgram } from '../support/peers/require-program.ts'

process.env.PATH += ':/usr/local/go/bin'

const OWN = 'sum.corp.example/modules'

const someModules = (): Promise<ModuleFixture[]> =>
  Promise.all([
    makeModule('example.com/Acme/Tool', 'v1.2.3'),
    makeModule('example.com/lib/v2', 'v2.0.1'),
    makeModule('example.com/old', 'v1.0.0', { withoutGoMod: true }),
  ])

/** A door to modules that a checksum database knows, behind a few hundred others. */
async function startSummed(t: TestContext, options: ModuleDoorOptions = {}, others = 300) {
  const modules = await someModules()
  const database = await SumdbServer.start(t)
  await database.addOthers(others)
  await database.add(...modules)
  const sumdb = { name: database.name, key: database.verifierKey, url: database.url }
  const door = await startModules(t, { modules, ...options, goproxy: { sumdb, ...options.goproxy } })
  return { modules, database, door }
}

const named = (modules: readonly ModuleFixture[]): string[] =>
  modules.map(({ module, version }) => `${module}@${version}`)

suite('the checksum database, as the go command uses it', () => {
  test('G24 G25 G26 the go command verifies everything through the mirror, and asks nobody else', async (t) => {
    if (!requireProgram(t, 'go')) return
    const { modules, database, door } = await startSummed(t)
    const go = await GoCommand.make(t, { proxy: door.url, sumdb: database.verifierKey })
    const got = await go.run('get', ...named(modules))
    assert.equal(got.code, 0, got.stderr)
    const sums = await readFile(join(go.folder, 'go.sum'), 'utf8')
    for (const { module, version, h1, modH1 } of modules) {
      assert.ok(sums.includes(`${module} ${version} ${h1}\n`), sums)
      assert.ok(sums.includes(`${module} ${version}/go.mod ${modH1}\n`), sums)
    }
    const verified = await go.run('mod', 'verify')
    assert.deepEqual([verified.code, verified.stdout], [0, 'all modules verified\n'])
    const lookups = database.asked.filter((path) => path.startsWith('/lookup/'))
    assert.deepEqual(lookups.toSorted(), [...new Set(lookups)].toSorted(), 'one lookup for each version')
  })

  test('G25 G26 a growing database: a client goes on from the head that it saw', async (t) => {
    if (!requireProgram(t, 'go')) return
    const growth = [0, 1, 252, 1, 300, 2500]
    const modules = await Promise.all(growth.map((_, at) => makeModule(`example.com/grown${at}`, 'v1.0.0')))
    const database = await SumdbServer.start(t)
    const sumdb = { name: database.name, key: database.verifierKey, url: database.url }
    const door = await startModules(t, { modules, goproxy: { sumdb } })
    const go = await GoCommand.make(t, { proxy: door.url, sumdb: database.verifierKey })
    for (const [at, others] of growth.entries()) {
      await database.addOthers(others)
      await database.add(modules[at]!)
      const { code, stderr } = await go.run('mod', 'download', ...named(modules.slice(0, at + 1)))
      assert.equal(code, 0, stderr)
      // What it has in its cache it looks up no more.
      await go.forget()
    }
  })

  test('G25 with the database down, what is kept is served and new versions are not', async (t) => {
    if (!requireProgram(t, 'go')) return
    const { modules, database, door } = await startSummed(t)
    const [kept, other] = named(modules)
    const go = await GoCommand.make(t, { proxy: door.url, sumdb: database.verifierKey })
    assert.equal((await go.run('mod', 'download', kept!)).code, 0)
    database.fails = 503
    await go.forget({ sumdb: true })
    const again = await go.run('mod', 'download', kept!)
    assert.equal(again.code, 0, again.stderr)
    const refused = await go.run('mod', 'download', other!)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /502 Bad Gateway[^]*sum\.example\.com could not be asked[^]*ERR_SUMDB_UNAVAILABLE/)
    database.fails = 0
    assert.equal((await go.run('mod', 'download', other!)).code, 0)
  })

  test('G26 a proxy whose contents are not those of the database serves none of them', async (t) => {
    if (!requireProgram(t, 'go')) return
    const modules = await someModules()
    const database = await SumdbServer.start(t)
    const [tool, lib, old] = modules
    await database.add({ ...tool!, h1: lib!.h1 }, { ...lib!, modH1: tool!.modH1 }, old!)
    const sumdb = { name: database.name, key: database.verifierKey, url: database.url }
    const door = await startModules(t, { modules, goproxy: { sumdb } })
    // Nothing of the client's own is in the way.
    const go = await GoCommand.make(t, { proxy: door.url })
    const wrongMod = await go.run('mod', 'download', `${lib!.module}@${lib!.version}`)
    assert.match(wrongMod.stderr, /v2\.0\.1\/go\.mod: checksum mismatch[^]*came now: h1:[^]*sum\.example\.com: h1:/)
    const wrongZip = await go.run('mod', 'download', `${tool!.module}@${tool!.version}`)
    assert.equal(wrongZip.code, 1, wrongZip.stdout)
    const reply = await door.ask('/example.com/lib/v2/@v/v2.0.1.mod')
    assert.equal(reply.status, 502)
    assert.match(reply.body, /ERR_MODULE_CHECKSUM/)
    assert.equal((await go.run('mod', 'download', `${old!.module}@${old!.version}`)).code, 0)
  })

  test('G26 tiles that are forged reach no client', async (t) => {
    if (!requireProgram(t, 'go')) return
    const { modules, database, door } = await startSummed(t)
    const go = await GoCommand.make(t, { proxy: door.url, sumdb: database.verifierKey })
    database.change = (path, bytes) => (path.startsWith('/tile/8/0/') ? Buffer.alloc(bytes.length, 7) : bytes)
    const forged = await go.run('mod', 'download', named(modules)[0]!)
    assert.match(forged.stderr, /do not lead to the hash of the signed tree[^]*ERR_SUMDB_INVALID/)
    assert.equal((await door.ask(`/sumdb/${database.name}/tile/8/0/000`)).status, 502)
    database.change = (_path, bytes) => bytes
    const believed = await go.run('mod', 'download', named(modules)[0]!)
    assert.equal(believed.code, 0, believed.stderr)
  })

  test('G26 a client that has seen one history of the database refuses a mirror of the other', async (t) => {
    if (!requireProgram(t, 'go')) return
    const modules = await someModules()
    const signerKey = generateSignerKey('sum.example.com')
    const doors = []
    for (const others of [300, 200]) {
      const database = await SumdbServer.start(t, 'sum.example.com', signerKey)
      await database.addOthers(others)
      await database.add(...modules)
      await database.addOthers(300)
      const sumdb = { name: database.name, key: database.verifierKey, url: database.url }
      doors.push({ database, door: await startModules(t, { modules, goproxy: { sumdb } }) })
    }
    const [first, second] = doors
    const go = await GoCommand.make(t, { proxy: first!.door.url, sumdb: first!.database.verifierKey })
    assert.equal((await go.run('mod', 'download', named(modules)[0]!)).code, 0)
    go.env.GOPROXY = second!.door.url
    const refused = await go.run('mod', 'download', named(modules)[1]!)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /SECURITY ERROR[^]*go\.sum database server misbehavior detected/)
  })
})

suite('a checksum database of the proxy’s own, as the go command uses it', () => {
  test('G24 G25 G26 private modules from git are verified by it, through the proxy and by its URL', async (t) => {
    if (!requireProgram(t, 'go', 'git')) return
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-own-sumdb-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const repository = new TestRepository(join(folder, 'lib.git'))
    repository.commit({ 'go.mod': 'module git.corp.example/Lib\n', 'lib.go': 'package lib\n' }, 'v1.0.0')
    repository.commit({ 'lib.go': 'package lib\n\nconst Two = 2\n' }, 'v1.1.0')
    const { modules, door, database } = await startSummed(t, {
      goproxy: {
        store: { disk: { path: join(folder, 'store') } },
        private: ['git.corp.example'],
        repositories: { 'git.corp.example/Lib': `file://${repository.folder}` },
        ownSumdb: { name: OWN },
      },
    })
    const key = (await door.ask(`/sumdb/${OWN}/key`)).body.trim()
    assert.match(key, /^sum\.corp\.example\/modules\+[0-9a-f]{8}\+/)
    const scopeOf = async (name: string) => (await door.ask(`/sumdb/${name}/latest`)).field('cache-control')
    assert.match((await scopeOf(OWN))!, /^private, max-age=/)
    assert.match((await scopeOf(database.name))!, /^public, max-age=/)
    assert.equal((await door.ask('/sumdb/sum.example.org/supported')).status, 404)
    const wanted = [...named(modules), 'git.corp.example/Lib@v1.0.0']
    for (const sumdb of [key, `${key} ${door.url}/sumdb/${OWN}`]) {
      const go = await GoCommand.make(t, { proxy: door.url, sumdb })
      const got = await go.run('get', ...wanted)
      assert.equal(got.code, 0, got.stderr)
      assert.match(await readFile(join(go.folder, 'go.sum'), 'utf8'), /git\.corp\.example\/Lib v1\.0\.0 h1:/)
      // Later it has grown, and what the client saw is still part of it.
      const more = await go.run('get', 'git.corp.example/Lib@v1.1.0')
      assert.equal(more.code, 0, more.stderr)
    }
    assert.deepEqual(
      database.asked.filter((path) => path.includes('corp')),
      [],
      'nobody else heard of them',
    )
  })

  test('G26 a tag that was moved is refused, though the version has gone from the store', async (t) => {
    if (!requireProgram(t, 'go', 'git')) return
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-own-sumdb-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const repository = new TestRepository(join(folder, 'lib.git'))
    repository.commit({ 'go.mod': 'module git.corp.example/Lib\n', 'lib.go': 'package lib\n' }, 'v1.0.0')
    const goproxy = {
      store: { disk: { path: join(folder, 'store') } },
      private: ['git.corp.example'],
      repositories: { 'git.corp.example/Lib': `file://${repository.folder}` },
    }
    const logging = await startModules(t, { goproxy: { ...goproxy, ownSumdb: { name: OWN } } })
    const key = (await logging.ask(`/sumdb/${OWN}/key`)).body.trim()
    const go = await GoCommand.make(t, { proxy: logging.url, sumdb: key })
    assert.equal((await go.run('mod', 'download', 'git.corp.example/Lib@v1.0.0')).code, 0)
    repository.commit({ 'lib.go': 'package lib\n\nconst Evil = true\n' })
    repository.git('tag', '-f', 'v1.0.0')

    // A proxy that does not look at the log hands the new contents out, and clients see it.
    const blind = await startModules(t, { goproxy: { ...goproxy, store: { memory: {} } } })
    const client = await GoCommand.make(t, { proxy: blind.url, sumdb: `${key} ${logging.url}/sumdb/${OWN}` })
    const seen = await client.run('mod', 'download', 'git.corp.example/Lib@v1.0.0')
    assert.match(seen.stderr, /checksum mismatch[^]*SECURITY ERROR/)

    for (const name of ['cache', 'clones']) await rm(join(folder, 'store', name), { recursive: true })
    const later = await startModules(t, { goproxy: { ...goproxy, ownSumdb: { name: OWN } } })
    go.env.GOPROXY = later.url
    go.env.GOSUMDB = 'off'
    await go.forget()
    const refused = await go.run('mod', 'download', 'git.corp.example/Lib@v1.0.0')
    assert.equal(refused.code, 1, refused.stderr)
    assert.equal((await later.line(3)).cause, 'ERR_MODULE_CHECKSUM')
  })

  test('a signing key that is none ends the start', async (t) => {
    for (const key of ['PRIVATE+KEY+nonsense', generateSignerKey('sum.other.example')]) {
      await assert.rejects(startModules(t, { goproxy: { ownSumdb: { name: OWN, key } } }), {
        code: 'ERR_CONFIG_INVALID',
        message: /^The signing key of sum\.corp\.example\/modules/,
      })
    }
  })

  test('G26 after a restart the same key signs on, and clients go on from the head that they saw', async (t) => {
    if (!requireProgram(t, 'go')) return
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-own-sumdb-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const modules = await someModules()
    const goproxy = { store: { disk: { path: folder } }, ownSumdb: { name: OWN } }
    const first = await startModules(t, { modules, goproxy })
    const key = (await first.ask(`/sumdb/${OWN}/key`)).body.trim()
    const go = await GoCommand.make(t, { proxy: first.url, sumdb: `${key} ${first.url}/sumdb/${OWN}` })
    assert.equal((await go.run('mod', 'download', named(modules)[0]!)).code, 0)
    const second = await startModules(t, { modules, goproxy })
    assert.equal((await second.ask(`/sumdb/${OWN}/key`)).body.trim(), key)
    // Both are running: two processes of one store could not be further apart.
    const later = await GoCommand.make(t, { proxy: second.url, sumdb: `${key} ${second.url}/sumdb/${OWN}` })
    const got = await later.run('mod', 'download', ...named(modules).slice(1))
    assert.equal(got.code, 0, got.stderr)
    const more = await go.run('mod', 'download', ...named(modules))
    assert.equal(more.code, 0, more.stderr)
    const { body } = await first.ask(`/sumdb/${OWN}/latest`)
    assert.match(body, /^go\.sum database tree\n3\n/)
  })
})
