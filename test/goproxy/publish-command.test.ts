import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { publish } from '../../src/cli/goproxy-publish.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { startModules, type ModuleDoor } from '../support/goproxy/module-door.ts'
import { TestRepository } from '../support/goproxy/test-repository.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const module = 'git.corp.test/team/tool'

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-publish-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function startPublishing(t: TestContext): Promise<ModuleDoor> {
  return startModules(t, {
    goproxy: {
      private: ['*.corp.test'],
      auth: { bearer: { tokens: { releaser: 'tok-en' } }, basic: { users: { ada: 'sesame' } } },
      publish: { users: ['releaser', 'ada'], modules: ['git.corp.test/team'] },
    },
  })
}

interface Ran {
  code: number
  out: string
  said: string
}

async function run(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const out: string[] = []
  const said: string[] = []
  const io = {
    cwd,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', GOPROXY: 'off', ...env },
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => said.push(text) },
  }
  const code = await publish(args, io)
  return { code, out: out.join(''), said: said.join('') }
}

const asked = async (door: ModuleDoor, path: string): Promise<string> =>
  (await door.ask(path, 'Authorization: Bearer tok-en\r\n')).body

test('G22 a version is published from its tag, not from what lies about; once only, with the same h1 each time', async (t) => {
  if (!requireProgram(t, 'git')) return
  const door = await startPublishing(t)
  const repository = new TestRepository(join(scratch(t), 'tool'))
  repository.commit({ 'go.mod': `module ${module}\n\ngo 1.21\n`, 'tool.go': 'package tool\n' }, 'v1.0.0')
  writeFileSync(join(repository.folder, 'scratch.go'), 'package tool\n')
  const expected = await makeModule(module, 'v1.0.0', { files: { 'tool.go': 'package tool\n' } })
  const env = { TURNPIKE_TOKEN: 'tok-en', GOPROXY: `${door.url},direct` }

  const dry = await run(repository.folder, ['--dry-run', 'v1.0.0'], env)
  assert.deepEqual([dry.code, dry.out], [0, `${module} v1.0.0 ${expected.h1}\n`], dry.said)
  assert.match(dry.said, /Nothing was sent/)
  assert.equal(door.log.length, 0)

  const first = await run(repository.folder, ['v1.0.0'], env)
  assert.deepEqual([first.code, first.out], [0, `${module} v1.0.0 ${expected.h1}\n`], first.said)
  assert.match(first.said, /^Published to 127\.0\.0\.1:\d+\.\n$/)
  assert.deepEqual(JSON.parse(await asked(door, `/${module}/@v/v1.0.0.info`)), {
    Version: 'v1.0.0',
    // When the first commit of a test repository is made.
    Time: '2024-01-01T01:00:00Z',
  })
  const again = await run(repository.folder, ['v1.0.0'], env)
  assert.deepEqual([again.code, again.out], [0, first.out])
  assert.match(again.said, /has it already/)

  const other = await run(repository.folder, ['--as-is', 'v1.0.0'], env)
  assert.equal(other.code, 1)
  assert.match(other.said, /answered 409/)
  const untagged = await run(repository.folder, ['v1.1.0'], env)
  assert.equal(untagged.code, 1)
  assert.match(untagged.said, /unknown revision v1\.1\.0/)
})

const goMod = (path: string): string => `module ${path}\n\ngo 1.21\n`

test('G15 G22 modules of folders and major versions are found where the go command looks for them', async (t) => {
  if (!requireProgram(t, 'git')) return
  const repository = new TestRepository(join(scratch(t), 'tool'))
  repository.commit(
    {
      LICENSE: 'of all\n',
      'go.mod': goMod(`${module}/v3`),
      'v2/go.mod': goMod(`${module}/v2`),
      'sub/go.mod': goMod(`${module}/sub`),
      'sub/a.go': 'package sub\n',
      'sub/v2/go.mod': goMod(`${module}/sub/v2`),
      'odd/go.mod': goMod(`${module}/even`),
    },
    'v3.0.0',
    'v2.0.1',
    'sub/v1.0.0',
    'sub/v2.4.0',
  )
  const cases: [folder: string, version: string, path: string][] = [
    ['.', 'v3.0.0', `${module}/v3`],
    ['v2', 'v2.0.1', `${module}/v2`],
    ['sub', 'v1.0.0', `${module}/sub`],
    ['sub/v2', 'v2.4.0', `${module}/sub/v2`],
  ]
  for (const [folder, version, path] of cases) {
    const ran = await run(repository.folder, ['--dry-run', '--module-dir', folder, version])
    assert.equal(ran.code, 0, ran.said)
    assert.match(ran.out, new RegExp(`^${path} ${version} h1:`))
  }
  const sub = await makeModule(`${module}/sub`, 'v1.0.0', { files: { LICENSE: 'of all\n', 'a.go': 'package sub\n' } })
  const ran = await run(join(repository.folder, 'sub'), ['--dry-run', 'v1.0.0'])
  assert.equal(ran.out, `${module}/sub v1.0.0 ${sub.h1}\n`)
  const odd = await run(repository.folder, ['--dry-run', '--module-dir', 'odd', 'v1.0.0'])
  assert.equal(odd.code, 1)
  assert.match(odd.said, /no go command would look for it/)
})

test('G22 a folder outside of git is published as it is, by a login of the netrc file', async (t) => {
  const door = await startPublishing(t)
  const folder = scratch(t)
  const files: Record<string, string> = {
    'go.mod': `module ${module}\n\ngo 1.21\n`,
    'tool.go': 'package tool\n',
    'sub/sub.go': 'package sub\n',
    'vendor/example.com/x/x.go': 'package x\n',
    'nested/go.mod': 'module x\n',
    'nested/x.go': 'package x\n',
    '.hg/store': 'x',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const netrc = join(scratch(t), 'netrc')
  writeFileSync(netrc, 'machine 127.0.0.1 login ada password sesame\n')
  const kept = { 'sub/sub.go': 'package sub\n', 'tool.go': 'package tool\n' }
  const expected = await makeModule(module, 'v1.0.0', { files: kept })
  const ran = await run(folder, ['--to', door.url, 'v1.0.0'], { NETRC: netrc })
  assert.deepEqual([ran.code, ran.out], [0, `${module} v1.0.0 ${expected.h1}\n`], ran.said)
  assert.equal((await door.line(1)).user, 'ada')
})

test('what cannot be published says why', async (t) => {
  const door = await startPublishing(t)
  const folder = scratch(t)
  const token = { TURNPIKE_TOKEN: 'tok-en' }
  const cases: [what: string, args: string[], env: Record<string, string>, code: number, said: RegExp][] = [
    ['no version', [], {}, 2, /One VERSION/],
    ['no canonical version', ['v1.2'], {}, 2, /no version such as/],
    ['no proxy', ['v1.0.0'], {}, 1, /GOPROXY has no URL/],
    ['no URL', ['--to', 'proxy', 'v1.0.0'], {}, 2, /no http URL/],
    ['credentials in the URL', ['--to', 'https://ada:sesame@proxy.test', 'v1.0.0'], {}, 2, /belong into/],
    ['a token in the open', ['--to', 'http://proxy.test', 'v1.0.0'], token, 1, /not sent over plain http/],
    ['no go.mod', ['--to', door.url, 'v1.0.0'], token, 1, /go\.mod cannot be read/],
  ]
  for (const [what, args, env, code, said] of cases) {
    const ran = await run(folder, args, env)
    assert.equal(ran.code, code, what)
    assert.match(ran.said, said, what)
    assert.doesNotMatch(ran.said, /sesame|tok-en/)
  }
  writeFileSync(join(folder, 'go.mod'), 'module git.corp.test/others/tool\n')
  const denied = await run(folder, ['--to', door.url, 'v1.0.0'], token)
  assert.equal(denied.code, 1)
  assert.match(denied.said, /answered 403: .*none of the modules that may be published here/)
  const nobody = await run(folder, ['--to', door.url, 'v1.0.0'])
  assert.equal(nobody.code, 1)
  assert.match(nobody.said, /answered 401/)
  writeFileSync(join(folder, 'go.mod'), `module ${module}\n`)
  writeFileSync(join(folder, 'con.go'), '')
  const invalid = await run(folder, ['--to', door.url, 'v1.0.0'], token)
  assert.equal(invalid.code, 1)
  assert.match(invalid.said, /disallowed as path element/)
})
