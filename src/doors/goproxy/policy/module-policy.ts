import { TurnpikeError } from '../../../core/error.ts'
import { formatDuration } from '../../../core/units.ts'
import type { World } from '../../../engine/world.ts'
import { ModulePatterns } from '../../../gomod/module-pattern.ts'
import type { GoproxyConfig } from '../config.ts'

/** What of the config a policy goes by. */
export type PolicyConfig = Pick<GoproxyConfig, 'private' | 'deny' | 'cooldown'>

/**
 * Which modules are private, denied, or too young. Refusals are 403: a 404 would send the client on to the next
 * proxy of its list, where it gets what is refused here (G4).
 */
export class ModulePolicy {
  private readonly privates: ModulePatterns
  private readonly denied: readonly { pattern: string; modules: ModulePatterns }[]
  private readonly cooldownMs: number
  private readonly world: Pick<World, 'wallClock'>

  constructor(config: PolicyConfig, world: Pick<World, 'wallClock'>) {
    this.privates = new ModulePatterns(config.private)
    this.denied = config.deny.map((pattern) => ({ pattern, modules: new ModulePatterns([pattern]) }))
    this.cooldownMs = config.cooldown
    this.world = world
  }

  /** Whether it is the operator's own: asked of git alone, never of a checksum database. */
  isPrivate(module: string): boolean {
    return this.privates.matches(module)
  }

  /** Throws ERR_MODULE_DENIED. */
  checkDenied(module: string): void {
    const denial = this.denied.find(({ modules }) => modules.matches(module))
    if (denial === undefined) return
    throw new TurnpikeError('ERR_MODULE_DENIED', {
      message: `${module} is denied by the policy of this module proxy (deny: ${denial.pattern}).`,
    })
  }

  /**
   * Whether it is known of for too short a time. `firstSeenMs`: when it was first seen, here or in the checksum
   * database, ms since 1970. A commit's time does not count: its author writes it. Private modules are never too young.
   */
  isYoung(module: string, firstSeenMs: number): boolean {
    return (
      this.cooldownMs > 0 && firstSeenMs + this.cooldownMs > this.world.wallClock() && !this.privates.matches(module)
    )
  }

  /** Throws ERR_MODULE_COOLDOWN for a version that is too young. */
  checkAge(module: string, version: string, firstSeenMs: number): void {
    if (!this.isYoung(module, firstSeenMs)) return
    const servedFrom = firstSeenMs + this.cooldownMs
    throw new TurnpikeError('ERR_MODULE_COOLDOWN', {
      message:
        `${module}@${version} was first seen less than ${formatDuration(this.cooldownMs)} ago ` +
        `and is served here from ${new Date(servedFrom).toISOString()} on.`,
      fields: [['Retry-After', String(Math.ceil((servedFrom - this.world.wallClock()) / 1000))]],
    })
  }
}
