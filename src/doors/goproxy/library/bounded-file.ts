import { TurnpikeError } from '../../../core/error.ts'
import type { StagedFile } from '../store/staged-file.ts'

/** What an origin writes into: the staged file, as long as it does not grow beyond a bound. */
export class BoundedFile implements StagedFile {
  private readonly file: StagedFile
  private readonly maxBytes: number

  constructor(file: StagedFile, maxBytes: number) {
    this.file = file
    this.maxBytes = maxBytes
  }

  get size(): number {
    return this.file.size
  }

  get expected(): number {
    return this.file.expected
  }

  set expected(bytes: number) {
    this.check(bytes)
    this.file.expected = bytes
  }

  get path(): string | null {
    return this.file.path
  }

  sha256(): string {
    return this.file.sha256()
  }

  async write(bytes: Buffer): Promise<void> {
    this.check(this.file.size + bytes.length)
    await this.file.write(bytes)
  }

  end(): Promise<void> {
    return this.file.end()
  }

  fail(error: Error): void {
    this.file.fail(error)
  }

  release(): void {
    this.file.release()
  }

  read(into: Buffer, position: number): Promise<number> {
    return this.file.read(into, position)
  }

  peek(into: Buffer, position: number): Promise<number> {
    return this.file.peek(into, position)
  }

  retain(): void {
    this.file.retain()
  }

  discard(): Promise<void> {
    return this.file.discard()
  }

  private check(bytes: number): void {
    if (bytes > this.maxBytes) throw new TurnpikeError('ERR_MODULE_TOO_LARGE')
  }
}
