/**
 * One at a time, across everybody who shares a store. It saves work and nothing else: what is committed is the same
 * whoever does it, so that a hold that is lost midway, or was never got, does no harm.
 */
export interface Coordination {
  /**
   * Runs `work` while nobody else holds `key`, or alone where the others cannot be asked. Waiting ends when `signal` is
   * aborted; `work` is not ended by it.
   */
  exclusively<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}
