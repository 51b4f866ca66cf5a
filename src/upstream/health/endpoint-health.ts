import { formatDuration } from '../../core/units.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import { HealthHistory, type HealthEvent } from './health-history.ts'
import type { PassiveRules } from './passive-rules.ts'

/** Who counts an endpoint among its own: the health of an upstream, as one config has it. */
export interface HealthOverseer {
  /** Null without passive health. */
  readonly passive: PassiveRules | null
  /** Whether one more endpoint may be ejected. */
  mayEject(now: number): boolean
  /** An endpoint became fit or unfit. */
  fitnessChanged(): void
}

/** Who probes an endpoint. */
export interface HealthProber {
  /** Its verdict. */
  readonly up: boolean
}

/** How a probe went. `unknown`: it failed for a reason of our own, and says nothing of the endpoint. */
export type ProbeOutcome = 'passed' | 'failed' | 'timeout' | 'unknown'

type HealthServices = Pick<EngineServices, 'world' | 'notify'>

/** The last probe of an endpoint. */
export interface ProbeReport {
  /** When it ended, ms since 1970. */
  at: number
  outcome: ProbeOutcome
  /** A cause code, or what was wrong with the reply; '' where it passed. */
  reason: string
  latencyMs: number
}

/**
 * Whether an endpoint is fit to be sent to, as probes and the requests themselves have found. Kept by upstream
 * and URL over reloads (W5). While two configs are alive, what the newer one says counts.
 */
export class EndpointHealth {
  readonly upstream: string
  readonly url: string
  /** The probes' verdict; true where there are none. */
  up = true
  /** Ejected until then, on the world's clock; 0 for not. */
  ejectedUntil = 0
  /** When it last became fit, on the world's clock: what slow start counts from. */
  availableSince: number
  /** Times that it was ejected. */
  ejections = 0
  readonly history: HealthHistory
  lastProbe: ProbeReport | null = null
  /** Probes so far, by outcome, and the seconds that they took together. */
  readonly probes: Record<ProbeOutcome, number> = { passed: 0, failed: 0, timeout: 0, unknown: 0 }
  probeSeconds = 0
  private readonly services: HealthServices
  /** The newest last. */
  private readonly overseers: HealthOverseer[] = []
  private readonly probers: HealthProber[] = []
  /** Failures in a row. */
  private failures = 0
  /** When they were: as many as count, written around. */
  private failedAt: number[] = []
  /** Length of the last ejection, and when it ended. */
  private ejectionMs = 0
  private returnedAt = 0

  constructor(upstream: string, url: string, services: HealthServices) {
    this.upstream = upstream
    this.url = url
    this.services = services
    this.availableSince = services.world.now()
    this.history = new HealthHistory(services.world)
  }

  /** Up, and not ejected. */
  available(now: number): boolean {
    if (this.ejectedUntil !== 0 && this.ejectedUntil <= now) this.return()
    return this.up && this.ejectedUntil === 0
  }

  /** A request to it was answered. */
  recordSuccess(_now: number): void {
    this.failures = 0
  }

  /** A request to it failed: `reason` is a cause code or a status. */
  recordFailure(now: number, reason: string): void {
    const overseer = this.overseers.at(-1)
    const rules = overseer?.passive ?? null
    if (rules === null || !rules.counts(reason) || !this.available(now)) return
    const { failures, withinMs } = rules
    if (this.failedAt.length !== failures) {
      this.failedAt = Array<number>(failures).fill(-Infinity)
      this.failures = 0
    }
    this.failedAt[this.failures++ % failures] = now
    // The one after the last is the oldest.
    if (this.failures < failures || now - this.failedAt[this.failures % failures]! > withinMs) return
    if (overseer!.mayEject(now)) this.eject(now, rules, reason)
  }

  /** From now on this one says what counts. */
  oversee(overseer: HealthOverseer): Disposable {
    this.overseers.push(overseer)
    return { [Symbol.dispose]: () => void this.overseers.splice(this.overseers.indexOf(overseer), 1) }
  }

  /** From now on this one's verdict counts; when it is disposed of, that of the one before it, and without any the endpoint is up. */
  probedBy(prober: HealthProber): Disposable {
    this.probers.push(prober)
    return {
      [Symbol.dispose]: () => {
        this.probers.splice(this.probers.indexOf(prober), 1)
        this.verdict(this.probers.at(-1)?.up ?? true, 'probed otherwise')
      },
    }
  }

  /** Whether it is this one whose verdict counts. */
  listensTo(prober: HealthProber): boolean {
    return this.probers.at(-1) === prober
  }

  /** What the prober that counts says. */
  verdict(up: boolean, reason: string): void {
    if (up === this.up) return
    this.up = up
    if (up) this.availableSince = this.services.world.now()
    this.changed(up ? 'up' : 'down', reason)
  }

  private eject(now: number, rules: PassiveRules, reason: string): void {
    const heldOut = now - this.returnedAt >= this.ejectionMs
    this.ejectionMs = rules.ejectionMs(heldOut ? 0 : this.ejectionMs)
    this.ejectedUntil = now + this.ejectionMs
    this.failures = 0
    this.ejections++
    this.changed('ejected', reason)
  }

  private return(): void {
    this.returnedAt = this.availableSince = this.ejectedUntil
    this.ejectedUntil = 0
    this.failures = 0
    this.changed('returned', `after ${formatDuration(this.ejectionMs)}`, this.returnedAt)
  }

  private changed(event: HealthEvent['event'], reason: string, time?: number): void {
    const { upstream, url: endpoint } = this
    this.history.add(event, reason, time)
    this.services.notify(event === 'down' || event === 'ejected' ? 'warn' : 'info', `an endpoint ${happened[event]}`, {
      upstream,
      endpoint,
      reason,
    })
    for (const overseer of this.overseers) overseer.fitnessChanged()
  }
}

const happened = { up: 'is up', down: 'is down', ejected: 'is ejected', returned: 'is no longer ejected' } as const

/** The health of an endpoint, the same as before a reload. */
export function endpointHealth(scope: Scope, upstream: string, url: string, services: HealthServices): EndpointHealth {
  return scope.shared(`health ${upstream} ${url}`, () => new EndpointHealth(upstream, url, services))
}
