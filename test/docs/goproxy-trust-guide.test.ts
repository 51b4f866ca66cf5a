import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { errorCodes } from '../../src/core/error-codes.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-trust.md', import.meta.url), 'utf8')

test('the configs of the guide to trust are right, and its first one is the default', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-trust-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => block!)
  assert.equal(blocks.length, 2)
  const listeners = 'listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n'
  const read = async (text: string) => {
    writeFileSync(join(folder, 'turnpike.yaml'), listeners + text)
    const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
    return config.goproxy!
  }
  const first = await read(blocks[0]!)
  const own = await read(blocks[1]!)
  const plain = await read('goproxy: { chain: direct }\n')
  assert.deepEqual(first.sumdb, plain.sumdb)
  assert.equal(own.ownSumdb?.name, 'sum.example.com')
})

test('the error codes of the guide to trust are those of its proxy', () => {
  const named = [...page.matchAll(/`(ERR_[A-Z_]+)`/g)].map(([, code]) => code!)
  for (const code of named) assert.ok(code in errorCodes, code)
  for (const code of Object.keys(errorCodes).filter((each) => /SUMDB|CHECKSUM/.test(each))) {
    assert.ok(named.includes(code), code)
  }
})
