/** Size of one read from an upstream. */
export const READ_BYTES = 64 * 1024
const KEPT = 64

/** Buffers for replies that are streamed: each belongs to one exchange while views of it are being written. */
export class ReadBuffers {
  /** Of each buffer. */
  readonly bytes: number
  private readonly kept: number
  private readonly free: Buffer[] = []

  /** `kept`: how many wait to be used again at most. Default: 64 of 64 KiB. */
  constructor(bytes = READ_BYTES, kept = KEPT) {
    this.bytes = bytes
    this.kept = kept
  }

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.bytes)
  }

  /** Only when nothing written from it is still in the process. */
  give(buffer: Buffer): void {
    if (this.free.length < this.kept) this.free.push(buffer)
  }
}
