import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { loadConfigObject } from '../../src/config/load.ts'

test('docs/guide/parents.md: its config is valid', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'turnpike-docs-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  mkdirSync(join(cwd, 'secrets'))
  writeFileSync(join(cwd, 'secrets/corp'), 'sesame\n')
  const page = readFileSync(new URL('../../docs/guide/parents.md', import.meta.url), 'utf8')
  const [, block] = /```yaml\n([^]*?)```/.exec(page)!
  const { config, warnings } = await loadConfigObject(parse(block!), { cwd })
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.gateway?.upstreams['app']?.parent, ['bastion', 'corporate'])
})
