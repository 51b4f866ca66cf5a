import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type ClientHttp2Stream } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { makeModule, type ModuleFixture } from '../support/goproxy/module-fixtures.ts'
import { startModules, type ModuleDoor } from '../support/goproxy/module-door.ts'

async function large(): Promise<ModuleFixture> {
  const data = createHash('shake256', { outputLength: 8_000_000 }).update('large').digest()
  return await makeModule('example.com/large', 'v1.0.0', { files: { 'data.bin': data } })
}

interface SlowDoor {
  door: ModuleDoor
  /** A client that takes 64 KiB and then nothing until it is read; kernels hold tens of megabytes for one over HTTP/1. */
  askAndWait: () => ClientHttp2Stream
}

async function startOnDisk(t: TestContext, made: ModuleFixture, use: string[] = []): Promise<SlowDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-slow-'))
  const store = { disk: { path: folder } }
  const goproxy = { store, use, limits: { concurrentPerClient: 100 } }
  const ending = new AbortController()
  // First, for the door waits for its clients to go.
  t.after(() => ending.abort())
  const door = await startModules(t, { modules: [made], goproxy, listener: { http2: true } })
  // Last, for the store writes until its door has stopped.
  t.after(() => rm(folder, { recursive: true, force: true }))
  const session = connect(door.url, { settings: { initialWindowSize: 65_535 } })
  session.on('error', () => {})
  ending.signal.addEventListener('abort', () => session.destroy())
  return { door, askAndWait: () => session.request({ ':path': '/example.com/large/@v/v1.0.0.zip' }) }
}

async function readAll(stream: ClientHttp2Stream): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('clients that read slowly', () => {
  test('hold one buffer each, however large the zip is, and get all of it when they read on', async (t) => {
    const made = await large()
    const { door, askAndWait } = await startOnDisk(t, made)
    assert.ok((await readAll(askAndWait())).equals(made.zip))
    await door.when(() => door.count('stagedFiles') === 0, 'the download to be over')
    const before = process.memoryUsage().arrayBuffers
    const clients = Array.from({ length: 24 }, askAndWait)
    await door.when(() => door.count('openZips') === clients.length, 'all of them to be served')
    await Promise.all(clients.map((client) => new Promise((resolve) => client.once('readable', resolve))))
    const held = process.memoryUsage().arrayBuffers - before
    assert.ok(held < clients.length * 600_000, `${(held / clients.length / 1000).toFixed(0)} kB a client`)
    assert.equal(door.count('openZips'), clients.length, 'nobody has all of it')
    const [first, ...others] = clients
    assert.ok((await readAll(first!)).equals(made.zip))
    for (const client of others) client.close()
    await door.when(() => door.count('openZips') === 0, 'every zip to be closed')
  })

  test('of a cold zip, the fast one is not held up by the slow one, and both get the same', async (t) => {
    const made = await large()
    const { door, askAndWait } = await startOnDisk(t, made)
    const slow = askAndWait()
    assert.ok((await readAll(askAndWait())).equals(made.zip))
    assert.ok((await readAll(slow)).equals(made.zip))
    assert.equal(door.peer.times('v1.0.0.zip'), 1)
    await door.when(() => door.count('stagedFiles') === 0, 'the staged file to go')
  })

  test('a client that goes while middleware is waited for leaves no zip open', async (t) => {
    const made = await large()
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-wait-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'wait.ts')
    await writeFile(file, waiting)
    const { door, askAndWait } = await startOnDisk(t, made, [file])
    const isWaiting = once(process, 'turnpike-test-waits')
    const client = askAndWait()
    await isWaiting
    client.close()
    await door.when(() => door.count('exchanges') + door.count('stagedFiles') + door.count('openZips') === 0, 'its end')
  })
})

/** Lets no reply begin. */
const waiting = `import { defineMiddleware } from 'turnpike'
import { z } from 'zod'

export default defineMiddleware({
  name: 'wait',
  options: z.object({}),
  create: () => ({ response: () => new Promise(() => void process.emit('turnpike-test-waits')) }),
})
`
