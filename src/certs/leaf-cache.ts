import { randomBytes } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { World } from '../engine/world.ts'
import type { Authority } from './authority.ts'
import type { Leaf, LeafSource } from './leaf-source.ts'

export interface LeafCacheOptions {
  authority: Authority
  /** How long a certificate is valid; 197 days at most. */
  lifetimeMs: number
  /** How many are kept: those that were asked for last. Each takes some 50 KB. Default: 500. */
  max?: number
  world: Pick<World, 'wallClock'>
}

interface KeptLeaf extends Leaf {
  /** From then on another one takes its place. */
  readonly renewAt: number
}

const DAY_MS = 86_400_000

/** Leaves of an authority by name, made when they are first asked for (T6). */
export class LeafCache implements LeafSource {
  private readonly options: LeafCacheOptions
  private readonly max: number
  /** The one that was asked for last stands last. */
  private readonly kept = new Map<string, KeptLeaf>()

  constructor(options: LeafCacheOptions) {
    this.options = options
    this.max = options.max ?? 500
  }

  get size(): number {
    return this.kept.size
  }

  leafFor(name: string): Leaf {
    const { kept } = this
    const now = this.options.world.wallClock()
    const found = kept.get(name)
    // Made within the call, so that those who ask at once get the same one.
    const leaf = found !== undefined && now < found.renewAt ? found : this.make(name, now)
    kept.delete(name)
    kept.set(name, leaf)
    if (kept.size > this.max) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
    return leaf
  }

  private make(name: string, now: number): KeptLeaf {
    const { authority, lifetimeMs } = this.options
    const { chain, key, expiresAt } = authority.issue([name], lifetimeMs, now)
    const context = createSecureContext({
      cert: chain,
      key,
      minVersion: 'TLSv1.2',
      // T10: tickets are sealed with keys of the context, and say whose they are. Both go with the leaf, within a day.
      sessionIdContext: randomBytes(16).toString('hex'),
    })
    return { context, chain, key, expiresAt, renewAt: renewalTime(now, expiresAt) }
  }
}

/** A third before the end, and a day from now at the latest: what is as old as that is hard to keep secret. */
export function renewalTime(now: number, expiresAt: number): number {
  return Math.min(now + DAY_MS, expiresAt - (expiresAt - now) / 3)
}
