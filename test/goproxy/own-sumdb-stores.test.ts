import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import type { StoreConfig } from '../../src/doors/goproxy/config.ts'
import { OwnSumdb } from '../../src/doors/goproxy/trust/own-sumdb.ts'
import { recordHashes } from '../../src/gomod/sumdb/sum-record.ts'
import { SumdbClient } from '../../src/gomod/sumdb/sumdb-client.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { startS3Server, type S3Server } from '../support/goproxy/s3-server.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { requireProgram } from '../support/peers/require-program.ts'

const NAME = 'sum.corp.example/all'
// Names of documents are made of them.
const [module, escaped] = ['corp.example/Team/x_y~z', 'corp.example/!team/x_y~z']
const versionOf = (at: number): string => `v2.0.${at}-rc.1+incompatible`

let server: Promise<S3Server> | null = null
after(async () => (await server)?.peer.stop())

const places: Record<string, (t: TestContext) => Promise<StoreConfig | null>> = {
  async disk(t) {
    const path = await mkdtemp(join(tmpdir(), 'own-sumdb-'))
    t.after(() => rm(path, { recursive: true }))
    return { disk: { path } }
  },
  async s3(t) {
    if (!requireProgram(t, 'versitygw')) return null
    server ??= startS3Server()
    return (await server).store('own/')
  },
}

for (const [place, open] of Object.entries(places)) {
  test(`G25 G26 two proxies that share a store in ${place} append to one history`, async (t) => {
    const config = await open(t)
    if (config === null) return
    const start = async (): Promise<OwnSumdb> => {
      const { services, scope } = testScope(t)
      const { documents } = await openTestStore(t, config, [], { services, scope })
      return new OwnSumdb({ name: NAME, key: null, scope, documents, hashes: async () => null })
    }
    const proxies = [await start(), await start()]
    const keys = await Promise.all(proxies.map((proxy) => proxy.verifierKey()))
    assert.equal(keys[0], keys[1])
    const seen: (Buffer | null)[] = [null, null]
    const lookUp = async (at: number, from: number): Promise<void> => {
      // Each client goes on from what it saw, and asks now one of them, now the other.
      const client = new SumdbClient(keys[0]!, {
        remote: async (path) => (await proxies[(at + from) % 2]!.serve(path, AbortSignal.timeout(30_000))).bytes,
        readCache: async () => null,
        writeCache: async () => {},
        readLatest: async () => seen[at]!,
        writeLatest: async (_old, latest) => (seen[at] = latest).length > 0,
      })
      for (const number of [0, from, from + 99]) {
        const { text } = await client.lookup(`${escaped}@${versionOf(number)}`)
        const hashes = recordHashes(text, module, versionOf(number))
        assert.deepEqual(hashes, { zip: `h1:zip${number}=`, mod: `h1:mod${number}=` })
      }
    }
    for (let from = 0; from < 300; from += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, at) => {
          const number = from + at
          return proxies[at % 2]!.add(module, versionOf(number), `h1:zip${number}=`, `h1:mod${number}=`)
        }),
      )
      await Promise.all([lookUp(0, from), lookUp(1, from)])
    }
    assert.match(seen[0]!.toString(), /^go\.sum database tree\n300\n/)
    await assert.rejects(proxies[1]!.add(module, versionOf(0), 'h1:other=', 'h1:mod0='), {
      code: 'ERR_MODULE_CHECKSUM',
    })
  })
}
