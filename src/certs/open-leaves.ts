import type { Scope } from '../engine/scope.ts'
import type { World } from '../engine/world.ts'
import { LeafCache } from './leaf-cache.ts'
import type { LeafSource } from './leaf-source.ts'
import { openAuthority } from './open-authority.ts'

/** What is needed to make leaves: see `forward.intercept` of the config. */
export interface LeavesConfig {
  /** Folder of the authority. */
  authority: string
  /** ms. */
  leafLifetime: number
}

/** The leaves of an authority; those that were made stay over reloads. Rejects with ERR_AUTHORITY. */
export async function openLeaves(config: LeavesConfig, scope: Scope, world: World): Promise<LeafSource> {
  const authority = await openAuthority(config.authority)
  const lifetimeMs = config.leafLifetime
  return scope.shared(
    `leaves:${authority.fingerprint}:${lifetimeMs}`,
    () => new LeafCache({ authority, lifetimeMs, world }),
  )
}
