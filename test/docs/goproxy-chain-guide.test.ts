import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { testCertificate } from '../support/certificates.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const page = readFileSync(new URL('../../docs/guide/goproxy-chain.md', import.meta.url), 'utf8')

test('the configs of the guide to the chain are right as they stand', async (t) => {
  if (!requireProgram(t, 'openssl')) return
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-chain-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { cert, key } = testCertificate({ subject: 'builds' })
  mkdirSync(join(folder, 'certs'))
  for (const [name, text] of Object.entries({ 'corp-ca': cert, builds: cert, 'builds-key': key }))
    writeFileSync(join(folder, 'certs', `${name}.pem`), text)
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => block!)
  assert.equal(blocks.length, 2)
  for (const block of blocks) {
    const listeners = block.includes('listeners:')
      ? ''
      : 'listeners: { modules: { address: "127.0.0.1:0", door: goproxy } }\n'
    writeFileSync(join(folder, 'turnpike.yaml'), listeners + block)
    const { config } = await loadConfig('turnpike.yaml', { cwd: folder, env: {} })
    assert.match(config.goproxy!.chain, /goproxy\.cn/)
  }
})
