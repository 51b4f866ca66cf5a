/**
 * A file that is being written and read at the same time: a zip on its way into the store. Readers follow the writer,
 * so that one download serves every client that waits for it, each at its own pace.
 */
export interface StagedFile {
  /** Bytes written so far. */
  readonly size: number
  /** Size that was announced; -1 where unknown. */
  expected: number
  /** Its place on disk; null where it is in memory. */
  readonly path: string | null
  /** Lower case hex of the SHA-256 of what was written; of the whole once it has ended. */
  sha256(): string
  write(bytes: Buffer): Promise<void>
  /** Nothing more comes. What was written stays unreadable beyond `release`d bytes. */
  end(): Promise<void>
  /** It will never be complete: waiting readers reject with this error. */
  fail(error: Error): void
  /** Lets readers have all of it: it was checked. Until then the last 64 KiB are held back. */
  release(): void
  /**
   * Bytes at `position`, as many as are readable now, at most what `into` holds; waits where there are none yet.
   * 0 at the end of a released file. Rejects once it failed.
   */
  read(into: Buffer, position: number): Promise<number>
  /**
   * Bytes at `position` for the one who checks it: what is held back too, and without waiting. 0 where nothing was
   * written yet.
   */
  peek(into: Buffer, position: number): Promise<number>
  /** As `read`, but of all that was written, what is held back included: for who checks it, never for a client. */
  peek(into: Buffer, position: number): Promise<number>
  /** One more that reads it and calls `discard` when done: a client that may be slower than the rest. */
  retain(): void
  /**
   * Lets go of it: called once by who made it, and once for each `retain`. With the last call it is closed, and
   * removed unless a store took it over.
   */
  discard(): Promise<void>
}

/** Makes staged files where the store can take them over without a copy. */
export interface Staging {
  create(): Promise<StagedFile>
}
