import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gc } from '../../src/cli/goproxy-gc.ts'
import { verify } from '../../src/cli/goproxy-verify.ts'
import { loadConfig } from '../../src/config/load.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-store.md', import.meta.url), 'utf8')

test('the configs of the guide to the store are right as they stand', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-store-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'secrets'))
  writeFileSync(join(folder, 'secrets', 's3'), 'sesame\n')
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => block!)
  const stores = await Promise.all(
    blocks.map(async (block, at) => {
      const listeners = 'listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n'
      writeFileSync(join(folder, `${at}.yaml`), listeners + block)
      const { config } = await loadConfig(`${at}.yaml`, { cwd: folder, env: { S3_KEY: 'key' } })
      return config.goproxy!.store
    }),
  )
  assert.deepEqual(
    stores.map(({ disk, s3 }) => disk?.path ?? s3?.secretAccessKey.reveal()),
    [join(folder, 'modules'), 'sesame'],
  )
})

test('the commands of the guide to the store do what it says', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'turnpike-store-guide-'))
  t.after(() => rmSync(cwd, { recursive: true, force: true }))
  mkdirSync(join(cwd, 'turnpike', 'modules'), { recursive: true })
  const lines = [...page.matchAll(/^turnpike goproxy (verify|gc)([^#\n]*)/gm)]
  assert.equal(lines.length, 4)
  for (const [, name, args] of lines) {
    const said = { out: '', err: '' }
    const run = name === 'gc' ? gc : verify
    const code = await run(args!.split(' ').filter(Boolean), {
      stdout: { write: (text) => (said.out += text) },
      stderr: { write: (text) => (said.err += text) },
      cwd,
      env: { HOME: cwd, XDG_CACHE_HOME: cwd },
    })
    assert.equal(code, 0, said.err)
    assert.match(said.out, /^0 versions, 0 B: (all as committed|removed|would be removed)\.\n$/)
  }
})
