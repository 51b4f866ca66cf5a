import { storeError } from './store-error.ts'

/** A version as retention sees it. */
interface Kept {
  module: string
  version: string
  bytes: number
  /** ms since 1970. */
  usedMs: number
}

export interface OccupancyOptions {
  /** Most bytes of versions and staged files together; Infinity for no bound. */
  maxBytes: number
  /** How long an unused version stays, in ms; Infinity for ever. */
  retentionMs: number
  /**
   * Removes a version for good. Null where it is gone; where somebody else used it since, when that was: it stays then.
   */
  evict: (module: string, version: string, usedMs: number) => Promise<number | null>
}

/** What a store holds, and what goes first when there is no room: that which was used longest ago. */
export class Occupancy {
  private readonly options: OccupancyOptions
  /** In order of use, the one used longest ago first. */
  private readonly kept = new Map<string, Kept>()
  private readonly pinned = new Map<string, Kept>()
  private keptBytes = 0
  private stagedBytes = 0
  private making: Promise<void> = Promise.resolve()

  constructor(options: OccupancyOptions) {
    this.options = options
  }

  /** Bytes of versions, those that are being staged left out. */
  get bytes(): number {
    return this.keptBytes
  }

  get versions(): number {
    return this.kept.size + this.pinned.size
  }

  /** Notes a version with its size, in place of what was known of it. Those that are noted at first come oldest first. */
  add(module: string, version: string, bytes: number, usedMs: number, pinned: boolean): void {
    this.drop(module, version)
    this.keptBytes += bytes
    const into = pinned ? this.pinned : this.kept
    into.set(key(module, version), { module, version, bytes, usedMs })
  }

  drop(module: string, version: string): void {
    const name = key(module, version)
    const known = this.kept.get(name) ?? this.pinned.get(name)
    if (known === undefined) return
    this.keptBytes -= known.bytes
    this.kept.delete(name)
    this.pinned.delete(name)
  }

  touch(module: string, version: string, nowMs: number): void {
    const name = key(module, version)
    const known = this.kept.get(name)
    if (known !== undefined) {
      known.usedMs = nowMs
      this.kept.delete(name)
      this.kept.set(name, known)
    }
    const pinned = this.pinned.get(name)
    if (pinned !== undefined) pinned.usedMs = nowMs
  }

  pin(module: string, version: string, pinned: boolean): void {
    const name = key(module, version)
    const known = this.kept.get(name) ?? this.pinned.get(name)
    if (known !== undefined) this.add(module, version, known.bytes, known.usedMs, pinned)
  }

  /** When a version was last used; undefined where it is not known. */
  usedMs(module: string, version: string): number | undefined {
    const name = key(module, version)
    return (this.kept.get(name) ?? this.pinned.get(name))?.usedMs
  }

  /** Makes room for so many bytes and holds it until `release`. Rejects with ERR_MODULE_STORE where none can be made. */
  reserve(bytes: number): Promise<void> {
    this.stagedBytes += bytes
    if (this.fits()) return Promise.resolve()
    // One at a time: two that look for the oldest at once would take the same.
    const made = this.making.then(() => this.makeRoom(bytes))
    this.making = made.catch(() => {})
    return made
  }

  /** Gives back what was reserved. */
  release(bytes: number): void {
    this.stagedBytes -= bytes
  }

  /** Removes what nobody used for as long as retention says. */
  async expire(nowMs: number): Promise<void> {
    for (;;) {
      const oldest = this.oldest()
      if (oldest === undefined || oldest.usedMs >= nowMs - this.options.retentionMs) return
      await this.evict(oldest)
    }
  }

  private fits(): boolean {
    return this.keptBytes + this.stagedBytes <= this.options.maxBytes
  }

  private async makeRoom(bytes: number): Promise<void> {
    try {
      while (!this.fits()) {
        const oldest = this.oldest()
        if (oldest === undefined) {
          throw storeError(
            `has no room: all that maxSize (${this.options.maxBytes} bytes) allows is pinned or on its way`,
          )
        }
        await this.evict(oldest)
      }
    } catch (error) {
      this.stagedBytes -= bytes
      throw error
    }
  }

  private oldest(): Kept | undefined {
    return this.kept.values().next().value
  }

  private async evict({ module, version, usedMs }: Kept): Promise<void> {
    const usedSince = await this.options.evict(module, version, usedMs)
    if (usedSince === null) this.drop(module, version)
    else this.touch(module, version, usedSince)
  }
}

const key = (module: string, version: string): string => `${module}@${version}`
