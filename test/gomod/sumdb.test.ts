import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { generateSignerKey, readSignerKey } from '../../src/gomod/sumdb/note-key.ts'
import { recordHashes } from '../../src/gomod/sumdb/sum-record.ts'
import { SumdbClient } from '../../src/gomod/sumdb/sumdb-client.ts'
import { buildGoProgram } from '../support/goproxy/go-program.ts'
import { freePort } from '../support/peers/free-port.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { peerFolder, spawnPeer } from '../support/peers/spawn-peer.ts'

process.env.PATH += ':/usr/local/go/bin'

const h1 = (text: string): string => `h1:${createHash('sha256').update(text).digest('base64')}`

test('G25 G26 the vectors are what golang.org/x/mod/sumdb prints', async (t) => {
  if (!requireProgram(t, 'go')) return
  const program = await buildGoProgram(t, join(import.meta.dirname, 'generate-sumdb'))
  const { stdout } = await promisify(execFile)(program, { maxBuffer: 16 * 1024 * 1024 })
  assert.equal(stdout, await readFile(join(import.meta.dirname, 'sumdb-vectors.json'), 'utf8'))
})

test('G25 G26 a database of golang.org/x/mod/sumdb is looked up, while it grows', async (t) => {
  if (!requireProgram(t, 'go')) return
  const program = await buildGoProgram(t, join(import.meta.dirname, 'sumdb-server'))
  const signerKey = generateSignerKey('sum.example.com')
  const port = await freePort()
  const peer = await spawnPeer({
    name: 'sumdb',
    command: [program, `127.0.0.1:${port}`, signerKey],
    port,
    folder: peerFolder('sumdb'),
  })
  t.after(() => peer.stop())
  const cache = new Map<string, Buffer>()
  const client = new SumdbClient(readSignerKey(signerKey).verifierKey, {
    async remote(path) {
      const reply = await fetch(`http://127.0.0.1:${port}${path}`)
      if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
      return Buffer.from(await reply.arrayBuffer())
    },
    readCache: async (name) => cache.get(name) ?? null,
    writeCache: async (name, bytes) => void cache.set(name, bytes),
    readLatest: async () => cache.get('latest') ?? null,
    writeLatest: async (_old, latest) => cache.set('latest', latest).size > 0,
  })
  // Each first lookup makes the tree grow; many are under way at once.
  for (let from = 0; from < 300; from += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const [module, version] = [`example.com/Mod${from + at}`, 'v1.2.3-pre+incompatible']
        const { text } = await client.lookup(`example.com/!mod${from + at}@${version}`)
        assert.deepEqual(recordHashes(text, module, version), { zip: h1(`${module}@${version}`), mod: h1(module) })
      }),
    )
  }
  await client.refresh()
  assert.equal((await client.head())?.size, 300)
  const records = await client.tile({ level: 'data', index: 1, width: 44 })
  assert.equal(records?.toString().match(/\n\n/g)?.length, 44)
  await assert.rejects(client.lookup('example.org/x@v1.0.0'), /404/)
})
