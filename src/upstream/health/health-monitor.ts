import { createHash } from 'node:crypto'
import type { ParentRoute } from '../../engine/dial/parent.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import type { UpstreamSecurity } from '../../engine/tls/upstream-security.ts'
import type { EndpointConfig, UpstreamConfig } from '../config.ts'
import type { HealthConfig } from './config.ts'
import type { EndpointHealth, HealthOverseer } from './endpoint-health.ts'
import { PassiveRules } from './passive-rules.ts'
import { Prober } from './prober.ts'

export interface HealthMonitorOptions {
  config: HealthConfig
  /** The endpoints of the upstream, each with its health (see `endpointHealth`). */
  members: readonly { endpoint: EndpointConfig; health: EndpointHealth }[]
  /** How its `https://` endpoints are verified. */
  tls: UpstreamConfig['tls']
  security: UpstreamSecurity | null
  /** Whether they are spoken to by HTTP/2. */
  http2: boolean
  /** The proxies to go through, null for none. */
  parents: ParentRoute | null
  services: EngineServices
}

/**
 * Health of one upstream as one config has it: probes its endpoints, says when too many are unfit, bounds
 * ejection. An upstream without `health` has none.
 */
export class HealthMonitor implements HealthOverseer {
  readonly passive: PassiveRules | null
  /** Of those that take new requests: what drains is neither missed nor of use. */
  private readonly healths: readonly EndpointHealth[]
  private readonly panicThreshold: number
  private panic = false
  /** From when on `panic` may be wrong, on the world's clock. */
  private recountAt = 0

  /** `scope`: that of the config. */
  constructor({ config, members, tls, security, http2, parents, services }: HealthMonitorOptions, scope: Scope) {
    const { active, passive, panicThreshold } = config
    this.passive = passive === undefined ? null : new PassiveRules(passive)
    this.panicThreshold = panicThreshold
    this.healths = members.filter(({ endpoint }) => !endpoint.draining).map(({ health }) => health)
    for (const { health } of members) scope.use(health.oversee(this))
    if (active === undefined) return
    const settingsHash = createHash('sha256')
      .update(JSON.stringify([active, http2, parents?.key, tls, tls.ca?.text, tls.cert?.text, tls.key?.text]))
      .digest('hex')
    for (const { endpoint, health } of members) {
      const { target, authority } = endpoint
      // W5: a reload that leaves the probe as it is neither stops it nor starts a second one.
      scope.shared(
        `prober ${health.upstream} ${health.url} ${settingsHash}`,
        (own) =>
          new Prober(
            {
              health,
              settings: active,
              target,
              authority,
              tls: endpoint.tls ? security : null,
              http2,
              parents,
              services,
            },
            own,
          ),
      )
    }
  }

  /** Whether requests may go there: it is fit, or so few are that all count. */
  usable(health: EndpointHealth, now: number): boolean {
    return health.available(now) || this.panicking(now)
  }

  /** Fewer endpoints are fit than `panicThreshold`. */
  panicking(now: number): boolean {
    if (now >= this.recountAt) this.recount(now)
    return this.panic
  }

  mayEject(now: number): boolean {
    const ejected = this.healths.filter(({ ejectedUntil }) => ejectedUntil > now).length
    return ejected + 1 <= this.passive!.maxEjected * this.healths.length
  }

  fitnessChanged(): void {
    this.recountAt = 0
  }

  private recount(now: number): void {
    const fit = this.healths.filter((health) => health.available(now)).length
    this.panic = fit < this.panicThreshold * this.healths.length
    this.recountAt = Infinity
    for (const { ejectedUntil } of this.healths)
      if (ejectedUntil > 0 && ejectedUntil < this.recountAt) this.recountAt = ejectedUntil
  }
}
