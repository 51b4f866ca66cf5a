/** What the client of a checksum database needs of the world. */
export interface SumdbPorts {
  /** The answer to `/lookup/…`, `/tile/…` or `/latest`. Rejects where that is not a 200. */
  remote(path: string): Promise<Buffer>
  /** What was written under this name, null where nothing was. It is checked again. */
  readCache(name: string): Promise<Buffer | null>
  /** Replaces it with bytes that were verified. What cannot be kept is asked for again: it never rejects. */
  writeCache(name: string, bytes: Buffer): Promise<void>
  /** The signed head that was written last, null where none was. */
  readLatest(): Promise<Buffer | null>
  /** Replaces it where it still is `old`; false where somebody else has. */
  writeLatest(old: Buffer | null, latest: Buffer): Promise<boolean>
}
