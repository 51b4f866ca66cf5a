import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRemote } from './git-remote.ts'

test('G18 remotes that git may be sent to', () => {
  for (const url of [
    'https://git.test/team/repo',
    'https://git.test:8443/~user/repo.git',
    'https://bot@git.test/repo',
    'ssh://git@git.test/team/repo.git',
    'ssh://git.test:2222/repo',
    'https://[2001:db8::1]/repo',
  ]) {
    assert.deepEqual(checkRemote(url, false, 'discovery'), { url, insecure: false })
  }
  assert.equal(checkRemote('http://git.test/x', true, 'discovery').url, 'http://git.test/x')
  assert.equal(checkRemote('file:///srv/git/x', false, 'config').url, 'file:///srv/git/x')
})

test('G18 remotes that git is not sent to, whoever names them', () => {
  for (const url of [
    '',
    '-x',
    'ext::sh',
    'fd::17',
    'https::x://git.test/x',
    'git.test:x',
    '/srv/git',
    'file://host/x',
    'git://git.test/x',
    'git+ssh://git.test/x',
    'http://git.test/x',
    'https://git.test/x y',
    'https://git.test/x\ny',
    'https://git.test/x?y=1',
    'https://git.test/x#y',
    'https://u:p@git.test/x',
    'https://-u@git.test/x',
    'ssh://-oProxyCommand=x/y',
    'ssh://git.test/-y',
    'ssh://git.test//-y',
    'ssh://git.test/%2dy',
    'ssh://a%20b@git.test/y',
    'ssh://git.te$t/y',
    'https:///x',
    'https://gït.test/x',
  ]) {
    assert.throws(() => checkRemote(url, false, 'config'), { code: 'ERR_MODULE_VCS' }, url)
  }
  assert.throws(() => checkRemote('file:///srv/git/x', true, 'discovery'), { code: 'ERR_MODULE_VCS' })
})
