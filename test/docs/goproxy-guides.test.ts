import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { loadConfigObject } from '../../src/config/load.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const docs = join(import.meta.dirname, '../../docs')
const pages = ['guide/goproxy', 'recipes/go-ci', 'recipes/go-air-gapped', 'recipes/go-corporate-network', 'recipes/go-from-athens']

for (const page of pages) {
  test(`docs/${page}.md: its configs are valid, and what it links to is there`, async (t) => {
    if (!requireProgram(t, 'openssl')) return
    const cwd = mkdtempSync(join(tmpdir(), 'turnpike-docs-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    mkdirSync(join(cwd, 'certs'))
    mkdirSync(join(cwd, 'secrets'))
    const pair = ['-keyout', join(cwd, 'certs/modules-key.pem'), '-out', join(cwd, 'certs/modules.pem')]
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=modules.example.com', ...pair], { stdio: 'ignore' })
    for (const name of ['git-token', 'ci', 'corp']) writeFileSync(join(cwd, 'secrets', name), 'sesame\n')
    const text = readFileSync(join(docs, `${page}.md`), 'utf8')
    const configs = [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block]) => block!)
    assert.ok(configs.length > 0)
    for (const config of configs) {
      const loaded = await loadConfigObject(parse(config), { cwd })
      assert.deepEqual(loaded.warnings, [])
    }
    for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) readFileSync(join(docs, page, '..', link!))
  })
}
