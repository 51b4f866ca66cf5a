/** Size of one read from an upstream. */
export const READ_BYTES = 64 * 1024
const KEPT = 64

/** Buffers for replies that are streamed: each belongs to one exchange while views of it are being written. */
export class ReadBuffers {
  private readonly free: Buffer[] = []

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES)
  }

  /** Only when nothing written from it is still in the process. */
  give(buffer: Buffer): void {
    if (this.free.length < KEPT) this.free.push(buffer)
  }
}
