import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { createAuthority } from '../../src/certs/create-authority.ts'
import { loadConfigObject } from '../../src/config/load.ts'

const docs = join(import.meta.dirname, '../../docs')
const pages = [
  'guide/forward',
  'guide/forward-rules',
  'guide/flows',
  'guide/interception',
  'guide/local-authority',
  'recipes/forward-corporate-parent',
  'recipes/forward-ci-egress',
  'recipes/forward-look-inside',
  'recipes/forward-small-box',
  'recipes/transparent',
]

for (const page of pages) {
  test(`docs/${page}.md: its configs are valid, and what it links to is there`, async (t) => {
    const cwd = mkdtempSync(join(tmpdir(), 'turnpike-docs-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    mkdirSync(join(cwd, 'secrets'))
    for (const name of ['alice', 'corporate']) writeFileSync(join(cwd, 'secrets', name), 'sesame\n')
    await createAuthority(join(cwd, 'ca'))
    const text = readFileSync(join(docs, `${page}.md`), 'utf8')
    const configs = [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block]) => block!)
    assert.ok(configs.length > 0)
    for (const config of configs) {
      const { warnings } = await loadConfigObject(parse(config), { cwd })
      assert.deepEqual(warnings, [], config)
    }
    for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) readFileSync(join(docs, page, '..', link!))
  })
}
