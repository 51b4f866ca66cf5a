/**
 * One at a time, across everybody who shares a store. It saves work and nothing else: what is committed is the same
 * whoever does it, so that a hold that was lost, or never had, does no harm.
 */
export interface Coordination {
  /**
   * Runs `work` while nobody else holds `key`, or alone where the others cannot be asked. `held` is aborted where the
   * hold was lost: somebody else may have begun the same. Waiting ends when `signal` is aborted.
   */
  exclusively<T>(key: string, signal: AbortSignal, work: (held: AbortSignal) => Promise<T>): Promise<T>
}
