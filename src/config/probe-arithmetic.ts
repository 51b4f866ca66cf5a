import { formatDuration } from '../core/units.ts'
import type { Config } from './config.ts'

type Upstreams = NonNullable<Config['gateway']>['upstreams']
type Active = NonNullable<NonNullable<Upstreams[string]['health']>['active']>
type Liveness = NonNullable<Config['liveness']>

/**
 * Longest time from when an endpoint stops answering until its probes have taken it out, ms: it did so just
 * after a probe had passed, and each probe that fails takes all of its timeout.
 */
export function ejectionMs({ interval, timeout, unhealthyAfter }: Active): number {
  // A probe never begins before the last one has ended.
  return interval + (unhealthyAfter - 1) * Math.max(interval, timeout) + timeout
}

/** When liveness probes have this process killed, once it fails them, ms. */
export function killMs({ period, timeout, failures }: Liveness): { soonest: number; latest: number } {
  return { soonest: (failures - 1) * period, latest: failures * period + timeout }
}

/** Who is first: the probes to eject an endpoint, or the orchestrator to kill this process on its account. */
export interface Race {
  winner: 'ejection' | 'either' | 'orchestrator'
  text: string
}

/** The probes of an upstream against the liveness probes that lead through it. */
export function race(active: Active, liveness: Liveness): Race {
  const ejection = ejectionMs(active)
  const { soonest, latest } = killMs(liveness)
  const winner = ejection < soonest ? 'ejection' : ejection < latest ? 'either' : 'orchestrator'
  const outcome = { ejection: 'ejection wins', either: 'either may win', orchestrator: 'the orchestrator wins' }[winner]
  const [out, from, to] = [ejection, soonest, latest].map(formatDuration)
  return {
    winner,
    text: `an endpoint that stops answering is out within ${out}; liveness kills this process ${from} to ${to} after it fails: ${outcome}`,
  }
}

/** What `check` says of upstreams with probes where `liveness` is given and all is well; the others are lints. */
export function livenessNotes({ gateway, liveness }: Config): string[] {
  if (liveness === undefined) return []
  return Object.entries(gateway?.upstreams ?? {}).flatMap(([name, { health }]) => {
    if (health?.active === undefined) return []
    const { winner, text } = race(health.active, liveness)
    return winner === 'ejection' ? [`gateway.upstreams.${name}.health.active: ${text}`] : []
  })
}
