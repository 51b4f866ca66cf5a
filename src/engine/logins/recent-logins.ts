import type { Headers } from '../../core/headers.ts'
import type { World } from '../world.ts'

const RECENT_MS = 1000

/** Heads that come again byte for byte are not asked about again for a second: hashing their field costs 1 µs. */
export class RecentLogins {
  private readonly users = new WeakMap<Headers, { user: string; until: number }>()
  private readonly world: Pick<World, 'now'>
  private readonly field: string

  /** `field`: the one that has the credentials. */
  constructor(world: Pick<World, 'now'>, field: 'authorization' | 'proxy-authorization' = 'authorization') {
    this.world = world
    this.field = field
  }

  /** Who the credentials of these fields proved to be within the last second, null where that is not known. */
  find(headers: Headers): string | null {
    const template = this.templateOf(headers)
    const known = template === null ? undefined : this.users.get(template)
    return known !== undefined && known.until > this.world.now() ? known.user : null
  }

  remember(headers: Headers, user: string): void {
    const template = this.templateOf(headers)
    if (template !== null) this.users.set(template, { user, until: this.world.now() + RECENT_MS })
  }

  private templateOf(headers: Headers): Headers | null {
    return headers.hasAdded(this.field) ? null : headers.intact
  }
}
