import type { World } from '../../engine/world.ts'
import type { EndpointHealth } from './endpoint-health.ts'

/** An endpoint's health as the admin address shows it; times in ms since 1970. */
export function describeHealth(health: EndpointHealth, world: World): unknown {
  const now = world.now()
  const available = health.available(now)
  const { up, ejectedUntil, ejections, lastProbe, history } = health
  return {
    available,
    up,
    ejectedUntil: ejectedUntil === 0 ? null : Math.round(world.wallClock() + ejectedUntil - now),
    ejections,
    lastProbe,
    history: history.events,
  }
}
