import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SimWorld } from '../../test/sim/sim-world.ts'
import { TurnpikeError } from '../core/error.ts'
import type { BodySink } from './body.ts'
import { FileBodies, type OpenFile } from './file-body.ts'
import { Ledger } from './ledger.ts'
import { TimerWheel } from './timers.ts'

/** A file of those bytes. */
class TestFile implements OpenFile {
  closes = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  async read(into: Buffer, position: number): Promise<number> {
    return this.bytes.copy(into, 0, position)
  }

  async close(): Promise<void> {
    this.closes++
  }
}

/** Copies what comes; `free` says whether it takes more at once. */
class TestSink implements BodySink {
  readonly pieces: Buffer[] = []
  readonly memory: ArrayBufferLike[] = []
  ended = 0
  error: TurnpikeError | null = null
  free = true

  write(bytes: Buffer, start: number, end: number): boolean {
    this.pieces.push(Buffer.from(bytes.subarray(start, end)))
    this.memory.push(bytes.buffer)
    return this.free
  }

  end(): void {
    this.ended++
  }

  abort(error: TurnpikeError): void {
    this.error = error
  }

  flush(): void {}
}

function setUp() {
  const world = new SimWorld(7)
  const timers = new TimerWheel(world, new Ledger())
  const reported: unknown[] = []
  const bodies = new FileBodies({ world, timers }, 1000, (error) => reported.push(error))
  return { world, bodies, reported }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, at) => at % 251))

describe('bodies from files', () => {
  test('a range of it, in pieces, and the file is closed once', async () => {
    const { bodies } = setUp()
    const file = new TestFile(bytes)
    const sink = new TestSink()
    const body = bodies.body(file, { start: 1000, length: 600_000 })
    assert.equal(body.length, 600_000)
    body.start(sink)
    await settle()
    assert.ok(Buffer.concat(sink.pieces).equals(bytes.subarray(1000, 601_000)))
    assert.ok(sink.pieces.length > 1)
    assert.deepEqual([sink.ended, sink.error, file.closes], [1, null, 1])
  })

  test('H7 a file that is shorter than it was never looks complete', async () => {
    const { bodies } = setUp()
    const file = new TestFile(bytes)
    const sink = new TestSink()
    bodies.body(file, { start: 0, length: 800_000 }).start(sink)
    await settle()
    assert.deepEqual([sink.ended, sink.error?.code, file.closes], [0, 'ERR_INTERNAL', 1])
  })

  test('a file that fails aborts with its error', async () => {
    const { bodies } = setUp()
    const file = new TestFile(bytes)
    file.read = () => Promise.reject(new TurnpikeError('ERR_MODULE_ZIP'))
    const sink = new TestSink()
    bodies.body(file, { start: 0, length: -1 }).start(sink)
    await settle()
    assert.deepEqual([sink.error?.code, file.closes], ['ERR_MODULE_ZIP', 1])
  })

  test('a sink that takes nothing for too long is given up', async () => {
    const { world, bodies } = setUp()
    const file = new TestFile(bytes)
    const sink = new TestSink()
    sink.free = false
    const body = bodies.body(file, { start: 0, length: bytes.length })
    body.start(sink)
    await settle()
    await world.loop.run(undefined, world.now() + 900)
    body.resume()
    await settle()
    await world.loop.run(undefined, world.now() + 900)
    assert.deepEqual([sink.error], [null], 'it took something in between')
    await world.loop.run(undefined, world.now() + 200)
    assert.deepEqual([sink.error?.code, file.closes, sink.ended], ['ERR_CLIENT_STALL', 1, 0])
  })

  test('memory that a sink still holds is no other body’s', async () => {
    const { bodies } = setUp()
    const held = new TestSink()
    held.free = false
    const first = bodies.body(new TestFile(bytes), { start: 0, length: bytes.length })
    first.start(held)
    await settle()
    first.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
    const next = new TestSink()
    bodies.body(new TestFile(bytes), { start: 0, length: bytes.length }).start(next)
    await settle()
    assert.ok(!next.memory.includes(held.memory[0]!))
    const third = new TestSink()
    bodies.body(new TestFile(bytes), { start: 0, length: bytes.length }).start(third)
    await settle()
    assert.equal(third.memory[0], next.memory[0], 'what was given back is used again')
  })

  test('closed where it is never started; what closing throws is reported', async () => {
    const { bodies, reported } = setUp()
    const file = new TestFile(bytes)
    const failure = new Error('away')
    file.close = () => Promise.reject(failure)
    bodies.body(file, { start: 0, length: 1 }).cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
    await settle()
    assert.deepEqual(reported, [failure])
  })
})
