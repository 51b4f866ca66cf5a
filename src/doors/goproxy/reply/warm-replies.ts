import { flatText } from '../../../core/flat-text.ts'
import type { World } from '../../../engine/world.ts'
import type { PreparedReply } from './prepared-reply.ts'

/** Together with their keys, and what an entry costs beside both. */
const MOST_BYTES = 16 * 1024 * 1024
const ENTRY_BYTES = 1024
/** How often the use of one is told: retention goes by days. */
const TOLD_EVERY_MS = 60_000

/** A reply that can be sent again. */
export interface WarmReply {
  readonly reply: PreparedReply
  /** What its kind is called in logs and metrics. */
  readonly route: string
  readonly module: string
  /** '' for what is of no one version. */
  readonly version: string
}

interface Entry extends WarmReply {
  /** On the clock of `World.now`. */
  readonly freshUntilMs: number
  used: boolean
  toldMs: number
}

/**
 * Replies by the very target that asked for them: one look-up, nothing decoded, no promise. Bounded by bytes; those
 * that nobody asked for since they were last looked at go first.
 */
export class WarmReplies {
  private readonly entries = new Map<string, Entry>()
  private readonly world: Pick<World, 'now'>
  private readonly used: (module: string, version: string) => void
  private readonly mostBytes: number
  private bytes = 0

  /** `used` hears once a minute at most that a version is in use. `mostBytes`: default 16 MiB. */
  constructor(world: Pick<World, 'now'>, used: (module: string, version: string) => void, mostBytes = MOST_BYTES) {
    this.world = world
    this.used = used
    this.mostBytes = mostBytes
  }

  find(key: string): WarmReply | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    const now = this.world.now()
    if (entry.freshUntilMs <= now) {
      this.remove(key, entry)
      return undefined
    }
    entry.used = true
    if (entry.version !== '' && now - entry.toldMs >= TOLD_EVERY_MS) {
      entry.toldMs = now
      this.used(entry.module, entry.version)
    }
    return entry
  }

  /** Keeps one until then; one that is larger than an eighth of all room is not kept. */
  keep(key: string, reply: WarmReply, freshUntilMs: number): void {
    const now = this.world.now()
    const entry = { ...reply, freshUntilMs, used: false, toldMs: now }
    const size = sizeOf(key, entry)
    if (freshUntilMs <= now || size > this.mostBytes / 8) return
    const before = this.entries.get(key)
    if (before !== undefined) this.remove(key, before)
    while (this.bytes + size > this.mostBytes) this.makeRoom()
    // Flat: a slice would keep the whole head of its request alive.
    this.entries.set(flatText(key), entry)
    this.bytes += size
  }

  /** Lets go of what is kept of a module. */
  forget(module: string): void {
    for (const [key, entry] of this.entries) if (entry.module === module) this.remove(key, entry)
  }

  /** The one that came longest ago goes, or, where it was used since, is the one that came last. */
  private makeRoom(): void {
    const [key, entry] = this.entries.entries().next().value!
    this.entries.delete(key)
    if (entry.used) {
      entry.used = false
      this.entries.set(key, entry)
    } else {
      this.bytes -= sizeOf(key, entry)
    }
  }

  private remove(key: string, entry: Entry): void {
    this.entries.delete(key)
    this.bytes -= sizeOf(key, entry)
  }
}

function sizeOf(key: string, { reply }: WarmReply): number {
  return key.length + reply.bytes.length + ENTRY_BYTES
}
