import type { World } from '../../engine/world.ts'

/** What happened to an endpoint's fitness. */
export interface HealthEvent {
  /** Milliseconds since 1970. */
  at: number
  event: 'up' | 'down' | 'ejected' | 'returned'
  /** A cause code, a status, or a few words. */
  reason: string
}

const KEPT = 32

/** The last 32 events of one endpoint, oldest first. */
export class HealthHistory {
  private readonly world: World
  private readonly kept: HealthEvent[] = []

  constructor(world: World) {
    this.world = world
  }

  get events(): readonly HealthEvent[] {
    return this.kept
  }

  /** `time`: when, on the world's clock. Default: now. */
  add(event: HealthEvent['event'], reason: string, time = this.world.now()): void {
    const at = Math.round(this.world.wallClock() - (this.world.now() - time))
    if (this.kept.length === KEPT) this.kept.shift()
    this.kept.push({ at, event, reason })
  }
}
