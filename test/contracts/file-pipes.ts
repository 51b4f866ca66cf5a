import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { TurnpikeError } from '../../src/core/error.ts'
import type { BodySink } from '../../src/engine/body.ts'
import { FileBodies, type OpenFile } from '../../src/engine/file-body.ts'
import { Ledger } from '../../src/engine/ledger.ts'
import { TimerWheel } from '../../src/engine/timers.ts'
import { SimWorld } from '../sim/sim-world.ts'
import type { BodyPipe, MakePipes } from './body.ts'

/** A file that is written while it is read, and that holds one piece: what the contract writes comes out of a body. */
class GrowingFile implements BodySink, OpenFile {
  closes = 0
  /** The piece was read. */
  ready: () => void = () => {}
  gone: () => void = () => {}
  private piece: Buffer | null = null
  private pieceAt = 0
  private ended = false
  private error: TurnpikeError | null = null
  private wake: () => void = () => {}

  write(bytes: Buffer, start: number, end: number): boolean {
    assert.equal(this.piece, null, 'a write while a piece was held')
    this.piece = bytes.subarray(start, end)
    this.wake()
    return false
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  abort(error: TurnpikeError): void {
    this.error = error
    this.wake()
  }

  flush(): void {}

  async read(into: Buffer, position: number): Promise<number> {
    while (this.piece === null) {
      if (this.error !== null) throw this.error
      if (this.ended || this.closes > 0) return 0
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    const { piece, pieceAt } = this
    const count = piece.copy(into, 0, position - pieceAt)
    if (position + count < pieceAt + piece.length) return count
    this.piece = null
    this.pieceAt += piece.length
    this.ready()
    return count
  }

  async close(): Promise<void> {
    this.closes++
    this.wake()
    if (!this.ended) this.gone()
  }
}

/** Both directions as bodies from files; `known`: whether their lengths are told in advance. */
export function filePipes(known: boolean): MakePipes {
  return async (sizes) => {
    const world = new SimWorld(5)
    const ledger = new Ledger()
    const timers = new TimerWheel(world, ledger)
    const bodies = new FileBodies({ world, timers }, 60_000, (error) => assert.fail(String(error)))
    const files: GrowingFile[] = []
    const pipeOf = (size: number): BodyPipe => {
      const file = new GrowingFile()
      const source = bodies.body(file, { start: 0, length: known ? size : -1 })
      const pipe = { sink: file, source, ready: () => {}, gone: () => {} }
      file.ready = () => pipe.ready()
      file.gone = () => pipe.gone()
      files.push(file)
      return pipe
    }
    return {
      request: pipeOf(sizes.request),
      reply: pipeOf(sizes.reply),
      settle: async () => {
        for (let turn = 0; turn < 40; turn++) await setImmediate()
      },
      close: async () => {
        for (const file of files) assert.ok(file.closes <= 1, 'closed twice')
        assert.equal(ledger.count('timers'), 0)
      },
    }
  }
}
