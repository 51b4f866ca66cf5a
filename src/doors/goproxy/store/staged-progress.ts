/** What readers do not get before the whole was checked: a zip has its directory at the end, so without it none is whole. */
const HELD_BACK_BYTES = 65_536

/** How far a staged file has come, and who waits for more of it. */
export class StagedProgress {
  size = 0
  private ended = false
  private released = false
  private error: Error | null = null
  private waiting: (() => void)[] = []

  advance(bytes: number): void {
    this.size += bytes
    this.wake()
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  /** See `StagedFile.release`. */
  release(): void {
    this.released = true
    this.wake()
  }

  /** The first failure is the one that is told. */
  fail(error: Error): void {
    this.error ??= error
    this.wake()
  }

  /** Throws why nothing more may be written. */
  checkOpen(): void {
    if (this.error !== null) throw this.error
    if (this.ended) throw new Error('The staged file has ended.')
  }

  /** Bytes readable from `position` on, waiting until there are some; 0 at the end. Rejects once it failed. */
  async readable(position: number): Promise<number> {
    for (;;) {
      if (this.error !== null) throw this.error
      const limit = this.released ? this.size : this.size - HELD_BACK_BYTES
      if (position < limit) return limit - position
      if (this.released && this.ended) return 0
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  private wake(): void {
    if (this.waiting.length === 0) return
    const { waiting } = this
    this.waiting = []
    for (const go of waiting) go()
  }
}
