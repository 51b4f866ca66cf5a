import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModuleAbsence } from './module-absence.ts'
import { staticRepository } from './static-repositories.ts'

function root(module: string): string | null {
  const found = staticRepository(module)
  return found && `${found.vcs} ${found.address} ${found.root}`
}

test('paths of known hosts, and with the name of a system in them, say where their code is', () => {
  assert.equal(root('github.com/a/b'), 'git github.com/a/b github.com/a/b')
  assert.equal(root('github.com/a/b/sub/v2'), 'git github.com/a/b github.com/a/b')
  assert.equal(root('bitbucket.org/a/b.c'), 'git bitbucket.org/a/b.c bitbucket.org/a/b.c')
  assert.equal(root('git.apache.org/x.git/y'), 'git git.apache.org/x.git git.apache.org/x.git')
  assert.equal(
    root('chiselapp.com/user/u/repository/r'),
    'fossil chiselapp.com/user/u/repository/r chiselapp.com/user/u/repository/r',
  )
  assert.equal(root('example.com/a/b.git/c'), 'git example.com/a/b example.com/a/b.git')
  assert.equal(root('example.com/a.hg/b.git'), 'hg example.com/a example.com/a.hg')
  assert.equal(root('example.com/~user/b.svn'), 'svn example.com/~user/b example.com/~user/b.svn')
  for (const module of ['example.com/a', 'example.com/.git', 'gopkg.in/yaml.v3', 'nodots/a.git', 'githubscom/a/b'])
    assert.equal(root(module), null, module)
})

test('paths that none of a known host can be are absent', () => {
  for (const module of [
    'github.com/a',
    'github.com',
    'github.com/a/b.git',
    'github.com/a/b/c+d',
    'hub.jazz.net/git/A/b',
  ])
    assert.throws(() => staticRepository(module), ModuleAbsence, module)
})

test('a path made to be slow is looked at in no time', () => {
  const startedAt = performance.now()
  staticRepository(`${'a.'.repeat(5000)}b/${'~a/'.repeat(5000)}!`)
  assert.ok(performance.now() - startedAt < 200)
})
