import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { goModH1 } from '../../src/gomod/hash1.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { goImport, startGitSite, type GitSite } from '../support/goproxy/git-site.ts'
import { GoDirect, type Downloaded } from '../support/goproxy/go-direct.ts'
import { errorOf, testDirect, type TestDirect } from '../support/goproxy/test-direct.ts'
import type { TestRepository } from '../support/goproxy/test-repository.ts'

process.env.PATH += ':/usr/local/go/bin'

/** A repository, and what is asked of it: by module path, queries of it. `HASH` stands for what `build` returns. */
interface Case {
  name: string
  /** Module path of the page that leads to the repository. */
  root: string
  build(repository: TestRepository): string | undefined
  ask: Record<string, string[]>
  /** What else the internet has. Default: the pages of the paths that are asked for say what the root's says. */
  serve?(site: GitSite): void
  /** Name of the repository. Default: made of `root`. */
  served?: string
}

const mod = (path: string, more = ''): string => `module ${path}\n${more}`
const go = (text: string): string => `package a\n\n// ${text}\n`

const cases: Case[] = [
  {
    name: 'G13 tags, branches, revisions, annotated tags, a tag on another branch',
    root: 'code.test/tags',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/tags'), 'a.go': go('1') }, 'v0.1.0', 'v1.0.0-rc.1', 'not-a-version')
      repository.git('tag', '-a', '-m', 'annotated', 'v1.0.0')
      repository.commit({ 'a.go': go('2') }, 'v1.2', 'v1.2.0+meta', 'v01.3.0')
      repository.git('checkout', '-q', '-b', 'release')
      repository.commit({ 'a.go': go('3') }, 'v1.1.5')
      repository.commit({ 'a.go': go('3b') })
      repository.git('checkout', '-q', 'main')
      return repository.commit({ 'a.go': go('4') })
    },
    ask: {
      'code.test/tags': [
        'v1.0.0',
        'v1.0.0-rc.1',
        'latest',
        'main',
        'release',
        'HASH',
        'HASH7',
        'not-a-version',
        'v1.1.5',
        'v1.2.0+meta',
        'v9.9.9',
        'nothing',
        'abcdef1',
        'v1.1.6-0.20240101050000-000000000000',
      ],
    },
  },
  {
    name: 'G17 no tags: v0.0.0 pseudo-versions, and made-up ones',
    root: 'code.test/untagged',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/untagged'), 'a.go': go('1') })
      return repository.commit({ 'a.go': go('2') })
    },
    ask: {
      'code.test/untagged': ['latest', 'main', 'HASH', 'PSEUDO', 'PSEUDOv1', 'PSEUDObase', 'PSEUDOtime', 'PSEUDOlong'],
    },
  },
  {
    name: 'G17 pseudo-versions between tags, of tagged commits, with prerelease bases',
    root: 'code.test/pseudo',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/pseudo'), 'a.go': go('1') }, 'v1.0.0')
      repository.commit({ 'a.go': go('2') }, 'v1.1.0-pre.1')
      const hash = repository.commit({ 'a.go': go('3') })
      repository.git('checkout', '-q', '-b', 'side', 'v1.0.0')
      repository.commit({ 'a.go': go('side') }, 'v1.5.0')
      repository.git('checkout', '-q', 'main')
      return hash
    },
    ask: {
      'code.test/pseudo': [
        'main',
        'HASH',
        'PSEUDO',
        'v1.1.0-pre.1.0.TIME-SHORT',
        'v1.0.1-0.TIME-SHORT',
        'v1.5.1-0.TIME-SHORT',
        'v1.9.1-0.TIME-SHORT',
        'side',
      ],
    },
  },
  {
    name: 'G15 v2 on a branch',
    root: 'code.test/branchy',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/branchy'), 'a.go': go('1') }, 'v1.0.0')
      repository.git('checkout', '-q', '-b', 'second')
      const hash = repository.commit(
        { 'go.mod': mod('code.test/branchy/v2'), 'a.go': go('2') },
        'v2.0.0',
        'v2.1.0-rc.1',
      )
      repository.commit({ 'a.go': go('3') })
      repository.git('checkout', '-q', 'main')
      return hash
    },
    ask: {
      'code.test/branchy': ['latest', 'v1.0.0', 'v2.0.0', 'v2.0.0+incompatible', 'second'],
      'code.test/branchy/v2': ['latest', 'v2.0.0', 'second', 'v1.0.0', 'main', 'HASH', 'v2.1.0-rc.1'],
      'code.test/branchy/v3': ['latest', 'v2.0.0'],
    },
  },
  {
    name: 'G15 v2 in a folder',
    root: 'code.test/foldery',
    build(repository) {
      repository.commit(
        {
          'go.mod': mod('code.test/foldery'),
          'a.go': go('1'),
          'v2/go.mod': mod('code.test/foldery/v2'),
          'v2/a.go': go('2'),
          'v2/sub/b.go': go('b'),
        },
        'v1.0.0',
        'v2.0.0',
      )
      return undefined
    },
    ask: { 'code.test/foldery': ['v1.0.0', 'v2.0.0', 'main'], 'code.test/foldery/v2': ['v2.0.0', 'latest', 'main'] },
  },
  {
    name: 'G15 v2 in both places, in neither, and with another path',
    root: 'code.test/both',
    build(repository) {
      const v2 = mod('code.test/both/v2')
      repository.commit({ 'go.mod': v2, 'v2/go.mod': v2, 'a.go': go('1') }, 'v2.0.0')
      repository.commit({ 'go.mod': mod('code.test/both'), 'v2/go.mod': null }, 'v2.0.1')
      repository.commit({ 'v2/go.mod': mod('code.test/both/v3') }, 'v2.0.2')
      repository.commit({ 'go.mod': null, 'v2/go.mod': null }, 'v2.0.3')
      repository.commit({ 'go.mod': '// no path\n' }, 'v2.0.4', 'v1.0.4')
      repository.commit({ 'go.mod': mod('code.test/elsewhere/v5') }, 'v1.0.5')
      repository.commit({ 'go.mod': mod('code.test/elsewhere') }, 'v1.0.6')
      repository.commit({ 'go.mod': mod('code.test/elsewhere/v1') }, 'v1.0.7')
      return undefined
    },
    ask: {
      'code.test/both/v2': ['v2.0.0', 'v2.0.1', 'v2.0.2', 'v2.0.3', 'v2.0.4'],
      'code.test/both': ['v1.0.4', 'v1.0.5', 'v1.0.6', 'v1.0.7', 'v2.0.3'],
    },
  },
  {
    name: 'G15 G22 modules in folders, with and without a license of their own',
    root: 'code.test/mono',
    build(repository) {
      repository.commit(
        {
          LICENSE: 'root license\n',
          'go.mod': mod('code.test/mono'),
          'a.go': go('root'),
          'lib/go.mod': mod('code.test/mono/lib'),
          'lib/lib.go': go('lib'),
          'lib/testdata/x': 'x',
          'own/go.mod': mod('code.test/mono/own'),
          'own/LICENSE': 'own license\n',
          'own/deep/go.mod': mod('code.test/mono/own/deep'),
          'own/deep/d.go': go('d'),
          'plain/p.go': go('p'),
        },
        'v1.0.0',
        'lib/v0.5.0',
        'own/v1.0.0',
        'own/deep/v0.0.1',
        'plain/v1.0.0',
      )
      return repository.commit({ 'lib/lib.go': go('lib 2') })
    },
    ask: {
      'code.test/mono': ['v1.0.0', 'main'],
      'code.test/mono/lib': ['v0.5.0', 'latest', 'main', 'HASH', 'v1.0.0', 'PSEUDO'],
      'code.test/mono/own': ['v1.0.0'],
      'code.test/mono/own/deep': ['v0.0.1', 'main'],
      'code.test/mono/plain': ['v1.0.0', 'latest', 'main'],
      'code.test/mono/nothing': ['latest'],
    },
  },
  {
    name: 'G16 +incompatible, without and with go.mod',
    root: 'code.test/old',
    build(repository) {
      repository.commit({ 'a.go': go('1') }, 'v1.0.0')
      repository.commit({ 'a.go': go('2') }, 'v2.0.0')
      repository.commit({ 'a.go': go('3'), 'v3/go.mod': mod('code.test/old/v3'), 'v3/a.go': go('v3') }, 'v3.0.0')
      repository.commit({ 'go.mod': mod('code.test/old/v4'), 'a.go': go('4') }, 'v4.0.0')
      return repository.commit({ 'go.mod': null, 'a.go': go('5') })
    },
    ask: {
      'code.test/old': [
        'v1.0.0',
        'v2.0.0',
        'v2.0.0+incompatible',
        'v3.0.0',
        'v3.0.0+incompatible',
        'v4.0.0+incompatible',
        'latest',
        'main',
        'HASH',
        'v1.0.0+incompatible',
      ],
      'code.test/old/v3': ['v3.0.0'],
      'code.test/old/v4': ['v4.0.0', 'latest'],
    },
  },
  {
    name: 'G16 +incompatible is left out where v1 has a go.mod',
    root: 'code.test/left',
    build(repository) {
      repository.commit({ 'a.go': go('1') }, 'v2.0.0', 'v3.0.0')
      repository.commit({ 'go.mod': mod('code.test/left'), 'a.go': go('2') }, 'v1.0.0')
      return undefined
    },
    ask: { 'code.test/left': ['latest', 'v2.0.0', 'v2.0.0+incompatible'] },
  },
  {
    name: 'G11 retracted versions stay in the list, and are not what a branch becomes',
    root: 'code.test/retract',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/retract'), 'a.go': go('1') }, 'v1.0.0')
      repository.commit({ 'a.go': go('2') }, 'v1.1.0')
      repository.commit(
        { 'go.mod': mod('code.test/retract', '\nretract (\n\tv1.2.0 // oops\n\tv1.1.0\n)\n') },
        'v1.2.0',
      )
      return repository.commit({ 'a.go': go('3') })
    },
    ask: { 'code.test/retract': ['v1.1.0', 'v1.2.0', 'main', 'latest'] },
  },
  {
    name: 'G22 vendor and nested modules, go before 1.24',
    root: 'code.test/vendored',
    build(repository) {
      repository.commit(
        {
          'go.mod': mod('code.test/vendored', '\ngo 1.20\n'),
          'a.go': go('1'),
          'vendor/modules.txt': '# x\n',
          'vendor/other.test/x/x.go': go('x'),
          'sub/vendor/y.go': go('y'),
          'sub/vendor/z/z.go': go('z'),
          'nested/go.mod': mod('code.test/vendored/nested'),
          'nested/n.go': go('n'),
        },
        'v1.0.0',
      )
      repository.commit({ 'go.mod': mod('code.test/vendored', '\ngo 1.24\n') }, 'v1.1.0')
      return undefined
    },
    ask: { 'code.test/vendored': ['v1.0.0', 'v1.1.0'] },
  },
  {
    name: 'G22 links, executables, CRLF, attributes, export-ignore and export-subst',
    root: 'code.test/odd',
    build(repository) {
      repository.commit(
        {
          'go.mod': mod('code.test/odd'),
          'a.go': go('1'),
          'link.go': { link: 'a.go' },
          'run.sh': { executable: '#!/bin/sh\n' },
          'crlf.txt': 'one\r\ntwo\r\n',
          'text.txt': 'one\ntwo\n',
          'dos.bat': 'one\ntwo\n',
          'ident.txt': '$Id$\n',
          'secret.txt': 'left out\n',
          'version.txt': '$Format:%H$\n',
          'sub/also.txt': 'one\n',
          '.gitattributes':
            '*.bat text eol=crlf\ntext.txt text\nident.txt ident\nsecret.txt export-ignore\nversion.txt export-subst\n',
          'sub/.gitattributes': 'also.txt text eol=crlf\n',
          'empty.txt': '',
          [`long/${'d'.repeat(90)}/${'f'.repeat(120)}.txt`]: 'long\n',
          'Ünïcode.txt': 'u\n',
        },
        'v1.0.0',
      )
      return undefined
    },
    ask: { 'code.test/odd': ['v1.0.0'] },
  },
  {
    name: 'G22 submodules are left out, LFS pointers stay pointers',
    root: 'code.test/pointers',
    build(repository) {
      repository.commit({
        'go.mod': mod('code.test/pointers'),
        'a.go': go('1'),
        '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
        'data.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n',
      })
      repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`)
      repository.git('commit', '-q', '-m', 'a submodule')
      repository.git('tag', 'v1.0.0')
      return undefined
    },
    ask: { 'code.test/pointers': ['v1.0.0'] },
  },
  {
    name: 'G21 names that only differ in case are refused',
    root: 'code.test/fold',
    build(repository) {
      repository.commit({ 'go.mod': mod('code.test/fold'), 'a.go': go('1') })
      repository.commit({ 'README.md': '1', 'readme.md': '2' }, 'v1.0.0')
      repository.commit({ 'readme.md': null, 'con/aux.go': go('aux') }, 'v1.0.1')
      repository.commit({ 'con/aux.go': null, 'Go.mod': 'x' }, 'v1.0.2')
      return undefined
    },
    ask: { 'code.test/fold': ['v1.0.0', 'v1.0.1', 'v1.0.2'] },
  },
  {
    name: 'G14 without a go.mod, and with upper case in its path',
    root: 'code.test/Upper/Case',
    build(repository) {
      repository.commit({ 'a.go': go('1'), LICENSE: 'mine\n' }, 'v0.0.1')
      return undefined
    },
    ask: { 'code.test/Upper/Case': ['v0.0.1', 'latest'] },
  },
  {
    name: 'G15 gopkg.in: major versions with a dot, unstable ones, v0 under .v1',
    root: 'gopkg.in/thing.v2',
    build(repository) {
      repository.commit({ 'a.go': go('1') }, 'v1.0.0', 'v1.1.0')
      repository.commit({ 'go.mod': mod('gopkg.in/thing.v2'), 'a.go': go('2') }, 'v2.0.0', 'v2.1.0')
      return repository.commit({ 'a.go': go('3') })
    },
    serve(site) {
      for (const major of ['v1', 'v2', 'v2-unstable', 'v3'])
        site.pages.set(
          `gopkg.in/thing.${major}`,
          goImport(`gopkg.in/thing.${major} git https://git.test/gopkg.in_thing.v2`),
        )
    },
    ask: {
      'gopkg.in/thing.v2': ['v2.0.0', 'latest', 'main', 'v1.0.0'],
      'gopkg.in/thing.v1': ['v1.1.0', 'latest', 'v2.0.0'],
      'gopkg.in/thing.v2-unstable': ['latest', 'main', 'v2.0.0'],
    },
  },
  {
    name: 'G18 a path with .git in it says by itself where its code is',
    root: 'git.test/suffix.git',
    served: 'suffix',
    build(repository) {
      repository.commit(
        { 'go.mod': mod('git.test/suffix.git'), 'sub/go.mod': mod('git.test/suffix.git/sub'), 'sub/a.go': go('1') },
        'v1.0.0',
        'sub/v1.2.0',
      )
      return undefined
    },
    serve: (site) => site.pages.clear(),
    ask: { 'git.test/suffix.git': ['v1.0.0'], 'git.test/suffix.git/sub': ['latest'] },
  },
  {
    name: 'G18 a go-import answer with a subdirectory',
    root: 'code.test/below',
    served: 'below',
    build(repository) {
      repository.commit(
        {
          LICENSE: 'mine\n',
          'go.mod': mod('code.test/other'),
          'go/mod/go.mod': mod('code.test/below'),
          'go/mod/a.go': go('1'),
          'go/mod/v2/go.mod': mod('code.test/below/v2'),
        },
        'v9.0.0',
        'go/mod/v1.0.0',
        'go/mod/v2.0.0',
      )
      return undefined
    },
    serve(site) {
      const page = goImport('code.test/below git https://git.test/below go/mod')
      for (const path of ['code.test/below', 'code.test/below/v2']) site.pages.set(path, page)
    },
    ask: { 'code.test/below': ['v1.0.0', 'latest', 'main', 'v9.0.0'], 'code.test/below/v2': ['v2.0.0'] },
  },
]

const timestamp = (hash: string, repository: TestRepository): string =>
  new Date(Number(repository.git('log', '-n1', '--format=%ct', hash)) * 1000)
    .toISOString()
    .replaceAll(/[-:T]|\..*$/g, '')

/** A query with the commit's own hash and time put in. */
function filled(query: string, hash: string | undefined, repository: TestRepository): string {
  if (hash === undefined) return query
  const short = hash.slice(0, 12)
  const time = timestamp(hash, repository)
  const known: Record<string, string> = {
    HASH: hash,
    HASH7: hash.slice(0, 7),
    PSEUDO: `v0.0.0-${time}-${short}`,
    PSEUDOv1: `v1.0.0-${time}-${short}`,
    PSEUDObase: `v0.3.1-0.${time}-${short}`,
    PSEUDOtime: `v0.0.0-20200101000000-${short}`,
    PSEUDOlong: `v0.0.0-${time}-${hash.slice(0, 14)}`,
  }
  return known[query] ?? query.replace('TIME', time).replace('SHORT', short)
}

/** What follows the subject and the kind: the go command and Turnpike name these in slightly different places. */
function reason(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replace(/^.*?(?:invalid (?:pseudo-)?version|create zip): /, '')
    .trim()
}

async function agree(t: TestContext, site: GitSite, turnpike: TestDirect, each: Case): Promise<void> {
  const repository = site.repository(each.served ?? each.root.replaceAll('/', '_'), each.root)
  const hash = each.build(repository)
  const modules = Object.keys(each.ask)
  for (const module of modules) site.pages.set(module, site.pages.get(each.root)!)
  each.serve?.(site)
  const command = new GoDirect(t, site)
  const listed = await command.versions(...modules)
  for (const [at, module] of modules.entries()) {
    assert.deepEqual(await turnpike.direct.list(module, turnpike.ask()), listed[at], `versions of ${module}`)
  }
  const asked = Object.entries(each.ask).flatMap(([module, queries]) =>
    queries.map((query) => ({ module, query: filled(query, hash, repository) })),
  )
  const downloads = await command.download(...asked.map(({ module, query }) => `${module}@${query}`))
  assert.equal(downloads.length, asked.length)
  for (const [at, { module, query }] of asked.entries()) await same(turnpike, module, query, downloads[at]!)
}

async function same(
  { direct, ask, zip }: TestDirect,
  module: string,
  query: string,
  theirs: Downloaded,
): Promise<void> {
  const what = `${module}@${query}`
  if (theirs.Error !== undefined) {
    const whole = direct.info(module, query, ask()).then(({ version }) => zip(module, version))
    const error = await errorOf(whole, `${what}: ${theirs.Error}`)
    assert.equal(error.code, 'ERR_MODULE_NOT_FOUND', `${what}: ${theirs.Error}`)
    // "No matching versions" is what the go command makes of a `latest` that was not found.
    if (theirs.Error.includes('no matching versions')) return
    // What makes a zip impossible, the library that makes it says in words of its own.
    if (theirs.Error.includes('create zip')) assert.match(error.message, /create zip/, what)
    else assert.equal(reason(error.message), reason(theirs.Error), what)
    return
  }
  const { version, bytes } = await direct.info(module, query, ask())
  assert.equal(version, theirs.Version, what)
  const info: { Origin: { Ref?: string } } = JSON.parse(String(readFileSync(theirs.Info!)))
  const ours: typeof info = JSON.parse(String(bytes))
  // Theirs tells of whatever was asked for first.
  delete info.Origin.Ref
  delete ours.Origin.Ref
  assert.equal(JSON.stringify(ours), JSON.stringify(info), what)
  assert.equal(goModH1(await direct.mod(module, version, ask())), theirs.GoModSum, `go.mod of ${what}`)
  assert.equal((await zip(module, version)).h1, theirs.Sum, `zip of ${what}`)
}

for (const each of cases) {
  test(`${each.name}: as the go command has it`, async (t) => {
    if (!requireProgram(t, 'go', 'git', 'openssl')) return
    const site = await startGitSite(t)
    await agree(t, site, testDirect(t, site), each)
  })
}
