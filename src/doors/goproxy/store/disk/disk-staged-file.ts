import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { rename } from 'node:fs/promises'
import type { Ledger } from '../../../../engine/ledger.ts'
import type { Occupancy } from '../occupancy.ts'
import type { StagedFile } from '../staged-file.ts'
import { StagedProgress } from '../staged-progress.ts'
import { storeError } from '../store-error.ts'
import { unlinkIfThere } from './durable.ts'

/** A staged file on disk: one handle for its writer and all its readers. */
export class DiskStagedFile implements StagedFile {
  expected = -1
  path: string
  /** It has its place in the store. */
  taken = false
  private readonly handle: FileHandle
  private readonly ledger: Ledger
  private readonly occupancy: Occupancy
  private readonly progress = new StagedProgress()
  private readonly hash = createHash('sha256')
  private reserved = 0
  private holds = 1

  constructor(handle: FileHandle, path: string, ledger: Ledger, occupancy: Occupancy) {
    this.handle = handle
    this.path = path
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
    this.reserved += bytes.length
    for (let from = 0; from < bytes.length;) {
      try {
        from += (await this.handle.write(bytes, from, bytes.length - from, this.size + from)).bytesWritten
      } catch (error) {
        throw storeError('cannot take a file', error)
      }
    }
    this.hash.update(bytes)
    this.progress.advance(bytes.length)
  }

  async end(): Promise<void> {
    this.progress.checkOpen()
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
    return readable === 0 ? 0 : this.readAt(into, position, readable)
  }

  peek(into: Buffer, position: number): Promise<number> {
    return this.readAt(into, position, this.size - position)
  }

  retain(): void {
    this.holds++
  }

  async discard(): Promise<void> {
    if (this.holds === 0 || --this.holds > 0) return
    this.ledger.strike('stagedFiles')
    this.occupancy.release(this.reserved)
    try {
      await this.handle.close()
      if (!this.taken) await unlinkIfThere(this.path)
    } catch (error) {
      throw storeError('cannot remove a file', error)
    }
  }

  /** Has its bytes on disk and gives it a name in the store, whose it is from now on. */
  async take(path: string): Promise<void> {
    await this.handle.datasync()
    await rename(this.path, path)
    this.path = path
    this.taken = true
    this.occupancy.release(this.reserved)
    this.reserved = 0
  }

  private async readAt(into: Buffer, position: number, most: number): Promise<number> {
    try {
      return (await this.handle.read(into, 0, Math.min(into.length, most), position)).bytesRead
    } catch (error) {
      throw storeError('cannot read a staged file', error)
    }
  }
}
