import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { TurnpikeError } from '../../src/core/error.ts'
import type { StoreConfig } from '../../src/doors/goproxy/config.ts'
import type { DocumentStore } from '../../src/doors/goproxy/store/document-store.ts'
import { FastWorld } from '../support/goproxy/fast-world.ts'
import { openTestStore } from '../support/goproxy/open-test-store.ts'
import { startS3Server, type S3Server } from '../support/goproxy/s3-server.ts'
import { testScope } from '../support/goproxy/test-scope.ts'
import { requireProgram } from '../support/peers/require-program.ts'

/** Stale after 600 ms in place of 30 s. */
const SPEED = 50
const holder = fileURLToPath(new URL('../support/goproxy/lock-holder.ts', import.meta.url))

let server: Promise<S3Server> | null = null
after(async () => (await server)?.peer.stop())

const places: Record<string, (t: TestContext) => Promise<StoreConfig | null>> = {
  disk: async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'store-locks-'))
    t.after(() => rm(path, { recursive: true }))
    return { disk: { path } }
  },
  S3: async (t) => {
    if (!requireProgram(t, 'versitygw')) return null
    server ??= startS3Server()
    return (await server).store(`${randomUUID()}/`)
  },
}

async function documentsIn(t: TestContext, config: StoreConfig, { world }: FastWorld): Promise<DocumentStore> {
  return (await openTestStore(t, config, [], testScope(t, world))).documents
}

/** Takes the lock and keeps it until told; tells whether it was lost meanwhile. */
async function hold(documents: DocumentStore): Promise<{ lost: AbortSignal; release: () => Promise<void> }> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: held, resolve: holding } = Promise.withResolvers<AbortSignal>()
  const over = documents.exclusively('one', (lost) => (holding(lost), released))
  return {
    lost: await held,
    release: () => {
      release()
      return over
    },
  }
}

for (const [name, place] of Object.entries(places)) {
  test(`${name}: a lock stays with one who lives, however long it takes`, async (t) => {
    const config = await place(t)
    if (config === null) return
    const first = await hold(await documentsIn(t, config, new FastWorld(SPEED)))
    const other = await documentsIn(t, config, new FastWorld(SPEED))
    let taken = false
    const second = other.exclusively('one', () => Promise.resolve((taken = true)))
    await delay(1_000)
    assert.deepEqual([taken, first.lost.aborted], [false, false])
    await first.release()
    assert.equal(await second, true)
  })

  test(`${name}: one that hangs is passed over after a while, and is told when it wakes up`, async (t) => {
    const config = await place(t)
    if (config === null) return
    const hanging = new FastWorld(SPEED)
    const first = await hold(await documentsIn(t, config, hanging))
    hanging.freeze()
    const second = await hold(await documentsIn(t, config, new FastWorld(SPEED)))
    assert.equal(first.lost.aborted, false)
    const told = once(first.lost, 'abort')
    hanging.thaw()
    await told
    assert.equal(TurnpikeError.from(first.lost.reason, 'body').code, 'ERR_MODULE_STORE')
    // What it lost it does not take away from who has it now.
    await first.release()
    const third = await documentsIn(t, config, new FastWorld(SPEED))
    const patience = AbortSignal.timeout(200)
    await assert.rejects(
      third.exclusively('one', () => assert.fail('it is held'), patience),
      { name: 'TimeoutError' },
    )
    assert.equal(second.lost.aborted, false)
    await second.release()
  })
}

test('disk: one whose process was killed is passed over at once', async (t) => {
  const config = (await places.disk!(t))!
  const child = spawn(process.execPath, [holder, config.disk!.path, 'one'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const closed = once(child, 'close')
  const documents = await documentsIn(t, config, new FastWorld(1))
  const patience = AbortSignal.timeout(100)
  await assert.rejects(
    documents.exclusively('one', () => assert.fail('it is held'), patience),
    { name: 'TimeoutError' },
  )
  child.kill('SIGKILL')
  await closed
  const began = performance.now()
  await documents.exclusively('one', () => Promise.resolve())
  assert.ok(performance.now() - began < 2_000)
  assert.deepEqual(await readdir(join(config.disk!.path, 'locks')), [])
})
