import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { errorCodes } from '../../src/core/error-codes.ts'
import { checkRemote } from '../../src/doors/goproxy/direct/git-remote.ts'
import { defaultDeadlines } from '../../src/doors/goproxy/direct/git.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-direct.md', import.meta.url), 'utf8')

test('the config of the guide to direct is right, and its repositories are taken', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-direct-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'secrets'))
  for (const name of ['git-token', 'deploy-key', 'known_hosts', 'netrc']) writeFileSync(join(folder, 'secrets', name), 'x')
  const [, block] = /^```yaml\n(.*?)^```/ms.exec(page)!
  writeFileSync(join(folder, 'turnpike.yaml'), `listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n${block}`)
  const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
  const urls = Object.values(config.goproxy!.repositories)
  assert.equal(urls.length, 2)
  for (const url of urls) assert.equal(checkRemote(url, false, 'config').url, url)
})

test('the codes and deadlines of the guide to direct are those of its code', () => {
  for (const [, code] of page.matchAll(/`(ERR_[A-Z_]+)`/g)) assert.ok((code ?? '') in errorCodes, String(code))
  assert.match(page, new RegExp(`\\| a run that asks or fetches \\| ${defaultDeadlines.remoteMs / 60_000} min`))
  assert.match(page, new RegExp(`\\| a run on a clone \\| ${defaultDeadlines.localMs / 60_000} min`))
})
