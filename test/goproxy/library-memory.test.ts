import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { goproxySchema } from '../../src/doors/goproxy/config.ts'
import type { ZipAnswer } from '../../src/doors/goproxy/library/answer.ts'
import type { StagedFile } from '../../src/doors/goproxy/store/staged-file.ts'
import { FixtureOrigin } from '../support/goproxy/fixture-origin.ts'
import { makeModule } from '../support/goproxy/module-fixtures.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { ask, testLibrary } from '../support/goproxy/test-library.ts'
import { testScope } from '../support/goproxy/test-scope.ts'

const MIB = 1024 * 1024
const module = 'example.com/large'

/** A zip of 25 files of 8 MiB as they are, written as it is made (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16). */
async function writeLargeZip(into: StagedFile, goMod: Buffer): Promise<void> {
  const noise = randomBytes(8 * MIB)
  const directory: Buffer[] = []
  const names = ['go.mod', ...Array.from({ length: 25 }, (_, at) => `file${at}.bin`)]
  for (const each of names) {
    const data = each === 'go.mod' ? goMod : noise
    const name = Buffer.from(`${module}@v1.0.0/${each}`)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt32LE(crc32(data), 10)
    facts.writeUInt32LE(data.length, 14)
    facts.writeUInt32LE(data.length, 18)
    facts.writeUInt16LE(name.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(into.size, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, place, name)
    await into.write(Buffer.concat([Buffer.from('PK\x03\x04'), facts, name]))
    for (let at = 0; at < data.length; at += 65_536) await into.write(data.subarray(at, at + 65_536))
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(names.length, 8)
  end.writeUInt16LE(names.length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(into.size, 16)
  await into.write(Buffer.concat([entries, end]))
  await into.end()
}

async function readAll(answer: ZipAnswer): Promise<string> {
  const sha256 = createHash('sha256')
  const into = Buffer.allocUnsafe(65_536)
  for (let position = 0; ;) {
    const length = await answer.file.read(into, position)
    if (length === 0) break
    sha256.update(into.subarray(0, length))
    position += length
  }
  await answer.whole
  await answer.close()
  return sha256.digest('hex')
}

test('a cold zip of 200 MB passes through to eight clients in a small part of that memory', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'turnpike-memory-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const fixture = await makeModule(module, 'v1.0.0')
  const origin = new FixtureOrigin([fixture])
  origin.writeZip = (_zip, into) => writeLargeZip(into, fixture.mod)
  const place = testScope(t)
  const store = await openTestStore(t, goproxySchema.parse({ store: { disk: { path: folder } } }).store, [], place)
  const { library } = await testLibrary(t, { origin, store: () => store })
  const before = process.memoryUsage.rss()
  let most = before
  const sampler = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
  const sums = await Promise.all(
    Array.from({ length: 8 }, async () => readAll(await library.zip(module, 'v1.0.0', ask()))),
  )
  clearInterval(sampler)
  const kept = await store.get(module, 'v1.0.0')
  assert.ok(kept!.zip!.size > 200 * MIB)
  assert.deepEqual(new Set(sums), new Set([kept!.zip!.sha256]))
  assert.equal(origin.times(`zip ${module}@v1.0.0`), 1)
  const grown = (most - before) / MIB
  assert.ok(grown < 120, `${grown.toFixed(0)} MiB more`)
  t.diagnostic(`${grown.toFixed(0)} MiB more`)
})
