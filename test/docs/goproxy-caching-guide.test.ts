import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-caching.md', import.meta.url), 'utf8')

test('the configs of the guide to caching are right, and its first one has the defaults', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-caching-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['s3-secret', 'redis-password']) writeFileSync(join(folder, name), 'sesame\n')
  const read = async (text: string) => {
    writeFileSync(join(folder, 'turnpike.yaml'), `listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n${text}`)
    const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
    return config.goproxy!
  }
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => block!)
  assert.equal(blocks.length, 2)
  const [first, shared] = [await read(blocks[0]!), await read(blocks[1]!)]
  const plain = await read('goproxy: { chain: direct }\n')
  assert.deepEqual(first.freshness, plain.freshness)
  assert.deepEqual(first.limits, plain.limits)
  assert.equal(shared.coordination?.redis.password?.reveal(), 'sesame')
})
