import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGitSite } from '../support/goproxy/git-site.ts'
import { testDirect } from '../support/goproxy/test-direct.ts'

test('G11 G13 G14 a tagged module comes with its versions, its .info, its go.mod and its zip', async (t) => {
  const site = await startGitSite(t)
  const repository = site.repository('simple', 'code.test/simple')
  const hash = repository.commit({ 'go.mod': 'module code.test/simple\n\ngo 1.20\n', 'a.go': 'package a\n' }, 'v1.0.0')
  repository.commit({ 'a.go': 'package a // 2\n' }, 'v1.1.0', 'v2.0.0', 'other')
  const { direct, ask, zip } = testDirect(t, site)
  assert.deepEqual(await direct.list('code.test/simple', ask()), ['v1.0.0', 'v1.1.0'])
  const info = await direct.info('code.test/simple', 'v1.0.0', ask())
  assert.deepEqual(JSON.parse(String(info.bytes)), {
    Version: 'v1.0.0',
    Time: '2024-01-01T01:00:00Z',
    Origin: { VCS: 'git', URL: 'https://git.test/simple', Hash: hash, Ref: 'refs/tags/v1.0.0' },
  })
  assert.equal(String(await direct.mod('code.test/simple', 'v1.0.0', ask())), 'module code.test/simple\n\ngo 1.20\n')
  assert.equal((await zip('code.test/simple', 'v1.0.0')).files, 2)
  assert.equal((await direct.latest('code.test/simple', ask())).version, 'v1.1.0')
  assert.equal((await direct.info('code.test/simple', 'main', ask())).version, 'v1.1.0')
  assert.equal((await direct.info('code.test/simple', hash.slice(0, 8), ask())).version, 'v1.0.0')
})
