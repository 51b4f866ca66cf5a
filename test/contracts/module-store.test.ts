import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import type { StoreConfig } from '../../src/doors/goproxy/config.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { startS3Server, type S3Server } from '../support/goproxy/s3-server.ts'
import { requireProgram } from '../support/peers/require-program.ts'
import { moduleStoreContract, type OpenedStore } from './module-store.ts'

moduleStoreContract({
  name: 'memory',
  open: async (t) => ({ store: await openTestStore(t, { memory: { maxSize: 2 ** 30 } }), again: null }),
})

moduleStoreContract({
  name: 'disk',
  open: async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'store-'))
    t.after(() => rm(path, { recursive: true }))
    return shared(t, { disk: { path } })
  },
})

let server: Promise<S3Server> | null = null
after(async () => (await server)?.peer.stop())

moduleStoreContract({
  name: 'S3',
  open: async (t) => {
    if (!requireProgram(t, 'versitygw')) return null
    server ??= startS3Server()
    return shared(t, (await server).store(`${randomUUID()}/`))
  },
})

async function shared(t: TestContext, config: StoreConfig): Promise<OpenedStore> {
  return { store: await openTestStore(t, config), again: () => openTestStore(t, config) }
}
