import { createHash } from 'node:crypto'
import type { StagedFile } from '../store/staged-file.ts'
import { contentError } from './member-error.ts'
import type { FileSink } from './module-files.ts'

/**
 * A zip of which one member sent the first part, taken up from another, after clients may have read that part: what
 * comes is compared with it byte for byte, by hash, and only what lies behind it is written.
 */
export class ContinuedZip implements FileSink {
  private readonly into: StagedFile
  private readonly by: string
  private readonly had: number
  private readonly hadSha256: string
  private readonly hash = createHash('sha256')
  private passed = 0

  /** `by` is the member that sends it now. */
  constructor(into: StagedFile, by: string) {
    this.into = into
    this.by = by
    this.had = into.size
    this.hadSha256 = into.sha256()
  }

  get expected(): number {
    return this.into.expected
  }

  set expected(size: number) {
    // Clients were told the first one.
    if (this.into.expected >= 0 && size !== this.into.expected) throw this.differs()
  }

  async write(bytes: Buffer): Promise<void> {
    const left = this.had - this.passed
    if (left <= 0) return await this.into.write(bytes)
    const before = Math.min(left, bytes.length)
    this.hash.update(bytes.subarray(0, before))
    this.passed += before
    if (before < left) return
    if (this.hash.digest('hex') !== this.hadSha256) throw this.differs()
    if (before < bytes.length) await this.into.write(bytes.subarray(before))
  }

  async end(): Promise<void> {
    if (this.passed < this.had) throw this.differs()
    await this.into.end()
  }

  private differs(): Error {
    return contentError(this.by, 'has other bytes than those that another member began with.')
  }
}
