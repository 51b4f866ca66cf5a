import { TurnpikeError } from '../core/error.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { ParentRoute } from '../engine/dial/parent.ts'
import type { Scope } from '../engine/scope.ts'
import type { EngineServices } from '../engine/services.ts'
import type { UpstreamSecurity } from '../engine/tls/upstream-security.ts'
import type { RouteTimeouts } from '../engine/upstream-timeouts.ts'
import { Admission } from './admission.ts'
import type { Balancer, Candidates, TryObserver } from './balance/balancer.ts'
import { makeBalancer } from './balance/make-balancer.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { EndpointConfig, UpstreamConfig } from './config.ts'
import { Delivery } from './delivery.ts'
import { sharedEndpoint } from './endpoint.ts'
import { HealthMonitor } from './health/health-monitor.ts'
import { isStale, Member } from './member.ts'
import { RetryPolicy } from './retry-policy.ts'

export interface ClusterOptions {
  name: string
  config: UpstreamConfig
  services: EngineServices
  /** How `https://` endpoints are secured; null where there are none. */
  security: UpstreamSecurity | null
  /** This instance's name in `Via`, '' for no `Via`. */
  via: string
  /** The proxies to go through, null for none. */
  parents: ParentRoute | null
  /** The cluster's own, or its generation's: what the cluster starts and shares ends with it, unless another wants it too. */
  scope: Scope
}

/** What a route says of timers, ms. */
type Overrides = { [timer in 'total' | 'connect' | 'firstByte' | 'stall']?: number | undefined }

/** A member that starts slowly has this share of its weight at first: with none it would never warm up. */
const SLOWEST = 0.1

/** The endpoints of one upstream: chooses one for each exchange, and another where that is safe. */
export class Cluster implements Candidates<Member> {
  readonly name: string
  readonly members: readonly Member[]
  readonly services: EngineServices
  /** Null without `health`. */
  readonly monitor: HealthMonitor | null
  /** Null without admission. */
  readonly admission: Admission | null
  /** Null for what is always safe alone: see `attemptFailed`. */
  readonly retries: RetryPolicy | null
  /** What the balancer learns from. */
  readonly learns: TryObserver<Member> | null
  private readonly balancer: Balancer<Member>
  private readonly slowStartMs: number
  private readonly timeouts: UpstreamConfig['timeouts']
  /** Exchanges need more than a member: one `Delivery` each. */
  private readonly delivers: boolean
  /** The exchange that is being placed, and when. */
  now = 0
  private placing: Exchange | null = null

  constructor(options: ClusterOptions) {
    const { name, config, services, scope, security } = options
    const { admission, retries, circuitBreaker, slowStart, health, tls } = config
    this.name = name
    this.timeouts = config.timeouts
    this.services = services
    this.members = config.endpoints.map(
      (each) => new Member(this, sharedEndpoint(each, options), each, sharedBreaker(each, options)),
    )
    this.slowStartMs = slowStart ?? 0
    const { world, ledger } = services
    this.balancer = makeBalancer({
      balance: config.balance,
      members: this.members,
      world,
      slowStart: slowStart !== undefined,
      name,
    })
    this.learns = this.balancer.learns ?? null
    // Both are for all that is sent to the upstream, by whichever config.
    this.admission =
      admission === undefined
        ? null
        : scope.shared(`admission ${name} ${JSON.stringify(admission)}`, () => new Admission(admission, ledger))
    this.retries =
      retries === undefined
        ? null
        : scope.shared(`retries ${name} ${JSON.stringify(retries)}`, () => new RetryPolicy(retries))
    this.delivers = this.admission !== null || this.retries !== null || circuitBreaker !== undefined
    this.monitor =
      health === undefined
        ? null
        : new HealthMonitor(
            {
              config: health,
              members: this.members.map(({ endpoint }, at) => ({
                endpoint: config.endpoints[at]!,
                health: endpoint.health,
              })),
              tls,
              security,
              http2: config.http2,
              parents: options.parents,
              services,
            },
            scope,
          )
  }

  handle(exchange: Exchange): void {
    exchange.upstream = this.name
    if (this.delivers || (exchange.timeouts !== null && exchange.timeouts.totalMs < Infinity)) {
      new Delivery(this, exchange).start()
      return
    }
    this.send(exchange, exchange.startedAt)
  }

  /** A route's timers, filled up with its own. */
  timeoutsFor({ total, connect, firstByte, stall }: Overrides): RouteTimeouts {
    const { timeouts } = this
    return {
      totalMs: total ?? Infinity,
      connectMs: connect ?? timeouts.connect,
      firstByteMs: firstByte ?? timeouts.firstByte,
      stallMs: stall ?? timeouts.stall,
    }
  }

  /**
   * H19, without `retries`: tried again only where nothing of the request can have been acted on: once for each
   * endpoint, and once more where the first was a used connection that had closed.
   */
  attemptFailed(member: Member, exchange: Exchange, error: TurnpikeError, repeatable: boolean): void {
    const tries = this.members.length + (exchange.reused ? 1 : 0)
    if (!repeatable || exchange.attempts >= tries) {
      exchange.fail(error)
      return
    }
    const now = this.services.world.now()
    noteFailure(exchange, error.code, now)
    // A connection that had closed says nothing of the endpoint: what is bound to it stays.
    if (isStale(error, repeatable)) member.send(exchange, true)
    else this.send(exchange, now)
  }

  /** The member for an exchange, one that it was not tried on where there is one; null for none. */
  place(exchange: Exchange, now: number): Member | null {
    this.now = now
    if (exchange.failedAttempts === null) return this.balancer.pick(exchange, this)
    this.placing = exchange
    const other = this.balancer.pick(exchange, this)
    this.placing = null
    return other ?? this.balancer.pick(exchange, this)
  }

  allows({ endpoint, draining, breaker }: Member, bound: boolean): boolean {
    if (draining && !bound) return false
    if (this.monitor !== null && !this.monitor.usable(endpoint.health, this.now)) return false
    if (breaker !== null && !breaker.allows(this.now)) return false
    return this.placing === null || this.placing.failedAttempts!.every((attempt) => attempt.endpoint !== endpoint.url)
  }

  weightOf({ weight, endpoint }: Member): number {
    if (this.slowStartMs === 0) return weight
    const grown = (this.now - endpoint.health.availableSince) / this.slowStartMs
    return grown >= 1 ? weight : weight * Math.max(SLOWEST, grown)
  }

  /** Why there is no member for an exchange. */
  refusal(now: number): TurnpikeError {
    let soonest = Infinity
    for (const { breaker } of this.members) {
      const at = breaker?.opensAgainAt(now) ?? 0
      if (at > 0 && at < soonest) soonest = at
    }
    if (soonest === Infinity) return new TurnpikeError('ERR_NO_ENDPOINT')
    return new TurnpikeError('ERR_CIRCUIT_OPEN', {
      fields: [['Retry-After', String(Math.ceil((soonest - now) / 1000))]],
    })
  }

  private send(exchange: Exchange, now: number): void {
    const member = this.place(exchange, now)
    if (member === null) exchange.fail(this.refusal(now))
    else member.send(exchange, exchange.failedAttempts !== null)
  }
}

/** Keeps in mind that a try came to nothing and is followed by another. `cause`: a cause code or a status. */
export function noteFailure(exchange: Exchange, cause: string, now: number): void {
  exchange.connectedAt = exchange.firstByteAt = 0
  exchange.failedAttempts ??= []
  exchange.failedAttempts.push({ endpoint: exchange.endpoint, cause, afterMs: now - exchange.startedAt })
}

/** The breaker that an earlier config had, where its settings are the same. */
function sharedBreaker({ url }: EndpointConfig, { name, config, scope }: ClusterOptions): CircuitBreaker | null {
  const { circuitBreaker } = config
  if (circuitBreaker === undefined) return null
  return scope.shared(
    `breaker ${name} ${url} ${JSON.stringify(circuitBreaker)}`,
    () => new CircuitBreaker(circuitBreaker),
  )
}
