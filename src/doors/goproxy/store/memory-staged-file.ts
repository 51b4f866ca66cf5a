import { createHash } from 'node:crypto'
import type { Ledger } from '../../../engine/ledger.ts'
import type { Occupancy } from './occupancy.ts'
import type { StagedFile } from './staged-file.ts'
import { StagedProgress } from './staged-progress.ts'

const BLOCK_BYTES = 262_144

/** A staged file in memory, in blocks, so that it grows without being copied. */
export class MemoryStagedFile implements StagedFile {
  expected = -1
  readonly path = null
  private readonly ledger: Ledger
  private readonly occupancy: Occupancy
  private readonly progress = new StagedProgress()
  private readonly hash = createHash('sha256')
  private readonly blocks: Buffer[] = []
  private holds = 1
  private taken = false

  constructor(ledger: Ledger, occupancy: Occupancy) {
    this.ledger = ledger
    this.occupancy = occupancy
    ledger.enter('stagedFiles')
  }

  get size(): number {
    return this.progress.size
  }

  sha256(): string {
    return this.hash.copy().digest('hex')
  }

  async write(bytes: Buffer): Promise<void> {
    this.progress.checkOpen()
    await this.occupancy.reserve(bytes.length)
    this.hash.update(bytes)
    for (let from = 0, at = this.size; from < bytes.length;) {
      const within = at % BLOCK_BYTES
      if (within === 0) this.blocks.push(Buffer.allocUnsafeSlow(this.nextBlockBytes(at)))
      const copied = bytes.copy(this.blockFor(at + bytes.length - from), within, from)
      from += copied
      at += copied
    }
    this.progress.advance(bytes.length)
  }

  end(): Promise<void> {
    this.progress.checkOpen()
    this.trim()
    this.progress.end()
    return Promise.resolve()
  }

  fail(error: Error): void {
    this.progress.fail(error)
  }

  release(): void {
    this.progress.release()
  }

  async read(into: Buffer, position: number): Promise<number> {
    const readable = await this.progress.readable(position)
    return this.copy(into, position, position + readable)
  }

  peek(into: Buffer, position: number): Promise<number> {
    return Promise.resolve(this.copy(into, position, this.size))
  }

  retain(): void {
    this.holds++
  }

  discard(): Promise<void> {
    if (this.holds > 0 && --this.holds === 0) {
      this.ledger.strike('stagedFiles')
      if (!this.taken) this.occupancy.release(this.size)
    }
    return Promise.resolve()
  }

  /** The store's from now on: what it reserved is no longer the file's own. */
  take(): void {
    this.taken = true
  }

  /** Bytes from `position` on, up to `limit`. */
  copy(into: Buffer, position: number, limit: number): number {
    const end = Math.min(limit, position + into.length)
    let at = position
    while (at < end) {
      const within = at % BLOCK_BYTES
      at += this.blocks[Math.floor(at / BLOCK_BYTES)]!.copy(into, at - position, within, within + end - at)
    }
    return Math.max(0, at - position)
  }

  /** The last block is no larger than what was announced. */
  private nextBlockBytes(at: number): number {
    return this.expected > at ? Math.min(BLOCK_BYTES, this.expected - at) : BLOCK_BYTES
  }

  /** Small files would else hold most of a block for nothing. */
  private trim(): void {
    const index = this.blocks.length - 1
    const used = this.size - index * BLOCK_BYTES
    const last = this.blocks[index]
    if (last !== undefined && last.length > used) this.blocks[index] = Buffer.from(last.subarray(0, used))
  }

  /** The last block, made larger where more came than was announced for it. */
  private blockFor(end: number): Buffer {
    const index = this.blocks.length - 1
    const block = this.blocks[index]!
    const needed = Math.min(BLOCK_BYTES, end - index * BLOCK_BYTES)
    if (block.length >= needed) return block
    const larger = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    block.copy(larger)
    return (this.blocks[index] = larger)
  }
}
