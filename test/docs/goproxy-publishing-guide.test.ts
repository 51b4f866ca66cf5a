import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { publish } from '../../src/cli/goproxy-publish.ts'
import { loadConfig } from '../../src/config/load.ts'
import { indexLine } from '../../src/doors/goproxy/index/index-entry.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-publishing.md', import.meta.url), 'utf8')

test('the config of the page on publishing is one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-guide-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [, text] = /```yaml\n(.+?)```/s.exec(page)!
  mkdirSync(join(folder, 'secrets'))
  for (const user of ['releaser', 'ada']) writeFileSync(join(folder, 'secrets', user), 'sesame\n')
  const file = join(folder, 'turnpike.yaml')
  writeFileSync(file, `listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n${text}`)
  const { config } = await loadConfig(file, { cwd: folder, env: {} })
  assert.deepEqual(config.goproxy!.publish, { users: ['releaser', 'ada'], modules: ['git.example.com/team'] })
})

test('the line of the index feed on the page is as one is written', () => {
  const [, line] = /```json\n(\{"Path[^\n]+\n)```/.exec(page)!
  const atUs = Date.UTC(2026, 10, 22, 15, 30, 0, 123) * 1000 + 456
  assert.equal(indexLine({ module: 'example.com/a', version: 'v1.0.0', atUs }), line)
})

test('the options on the page are those of the command', async () => {
  const out: string[] = []
  const io = { cwd: '/', env: {}, stdout: { write: (text: string) => out.push(text) }, stderr: { write: () => 0 } }
  assert.equal(await publish(['--help'], io), 0)
  for (const [option] of page.matchAll(/--[a-z][a-z-]+/g)) assert.match(out.join(''), new RegExp(`${option}\\b`))
  for (const [name] of page.matchAll(/TURNPIKE_\w+|\$NETRC/g)) assert.ok(out.join('').includes(name), name)
})
