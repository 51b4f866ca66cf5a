/** Small things beside the versions: lists, tiles, tree heads. Names are `a/b/c` of URL-safe characters. */
export interface DocumentStore {
  get(name: string): Promise<Document | null>
  /** Replaces it as one. */
  put(name: string, bytes: Buffer): Promise<void>
  remove(name: string): Promise<void>
  /** Names that begin with `prefix`, sorted, beginning behind `after`. */
  list(prefix: string, after?: string): AsyncIterable<string>
  /**
   * Runs `work` while nobody else who uses this place holds the same name, other processes included. A holder that
   * died is passed over after a while; `work` is told by the signal where its hold was lost. Waiting ends when
   * `patience` is aborted, with its reason.
   */
  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>, patience?: AbortSignal): Promise<T>
}

export interface Document {
  bytes: Buffer
  /** When it was put, ms since 1970. */
  putAtMs: number
}
