import type { HashOf } from './check-hash.ts'
import type { ModuleTrust, Verdict } from './module-trust.ts'
import type { OwnSumdb } from './own-sumdb.ts'

/**
 * Believes no version that the proxy's own log has with other hashes: a tag that was moved after the version had gone
 * from the store. That holds for private modules too, of which no other database knows.
 */
export class FirstSeenTrust implements ModuleTrust {
  private readonly own: OwnSumdb
  private readonly next: ModuleTrust | null

  /** `next` is asked as well; null for nobody. */
  constructor(own: OwnSumdb, next: ModuleTrust | null) {
    this.own = own
    this.next = next
  }

  checkMod(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict> {
    return this.check(module, version, 'mod', h1, () => this.next?.checkMod(module, version, h1, signal))
  }

  checkZip(module: string, version: string, h1: string, signal: AbortSignal): Promise<Verdict> {
    return this.check(module, version, 'zip', h1, () => this.next?.checkZip(module, version, h1, signal))
  }

  private async check(
    module: string,
    version: string,
    of: HashOf,
    h1: string,
    next: () => Promise<Verdict> | undefined,
  ): Promise<Verdict> {
    await this.own.checkSeen(module, version, of, h1)
    return (await next()) ?? 'off'
  }
}
