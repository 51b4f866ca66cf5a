import { Headers } from '../../core/headers.ts'
import type { TurnpikeError } from '../../core/error.ts'
import type { DialTarget } from '../../engine/dial/dial.ts'
import type { ParentRoute } from '../../engine/dial/parent.ts'
import type { InquiryEvents, OwnRequest } from '../../engine/probe/inquiry.ts'
import { Probe } from '../../engine/probe/probe.ts'
import type { Scope } from '../../engine/scope.ts'
import type { EngineServices } from '../../engine/services.ts'
import type { UpstreamSecurity } from '../../engine/tls/upstream-security.ts'
import type { ActiveHealthConfig } from './config.ts'
import type { EndpointHealth, HealthProber, ProbeOutcome } from './endpoint-health.ts'
import { ProbeSlots, type SlotTaker } from './probe-slots.ts'

export interface ProberOptions {
  health: EndpointHealth
  settings: ActiveHealthConfig
  /** Where the endpoint is; `settings.port` stands in for its port. */
  target: DialTarget
  /** Host and port as in its URL. */
  authority: string
  /** Null for plain text. */
  tls: UpstreamSecurity | null
  /** Whether the endpoint is spoken to by HTTP/2. */
  http2: boolean
  /** The proxies to go through, null for none. */
  parents: ParentRoute | null
  services: EngineServices
}

/** Of one process. */
const MOST_AT_ONCE = 64
/** A probe comes up to this share of the interval early, so that those of many endpoints drift apart. */
const JITTER = 0.1

/** Probes one endpoint, the first time at once, until its scope ends. */
export class Prober implements HealthProber, SlotTaker, InquiryEvents, Disposable {
  up: boolean
  private readonly options: ProberOptions
  private readonly scope: Scope
  private readonly slots: ProbeSlots
  private readonly request: OwnRequest | null
  private readonly place: Disposable
  /** Whether a probe of its own stands behind `up`, or what was known before. */
  private judged = true
  /** Probes in a row that speak against `up`. */
  private against = 0
  private probe: Probe | null = null
  private startedAt = 0
  private disposed = false

  constructor(options: ProberOptions, scope: Scope) {
    const { health, settings } = options
    this.options = options
    this.scope = scope
    this.slots = scope.shared('probe slots', () => new ProbeSlots(MOST_AT_ONCE))
    this.request = requestOf(options)
    this.up = settings.initial === 'inherit' ? health.up : settings.initial === 'up'
    if (settings.initial === 'down') this.judged = false
    this.place = health.probedBy(this)
    health.verdict(this.up, `initial: ${settings.initial}`)
    scope.use(this)
    this.slots.take(this)
  }

  begin(): void {
    const { health, target, settings, tls, services } = this.options
    this.startedAt = services.world.now()
    // A newer config has this endpoint probed in another way.
    if (!health.listensTo(this)) return this.next()
    this.probe = new Probe(
      services,
      {
        target: settings.port === undefined || target.kind === 'unix' ? target : { ...target, port: settings.port },
        tls: settings.kind === 'tcp' ? null : tls,
        request: this.request,
        http2: this.options.http2,
        via: this.options.parents,
        timeoutMs: settings.timeout,
      },
      this,
    )
    this.probe.start()
  }

  answered(status: number, body: Buffer): void {
    const { settings } = this.options
    if (settings.kind !== 'http') return this.done('passed', '')
    if (!settings.status.some(({ first, last }) => first <= status && status <= last))
      return this.done('failed', `status ${status}`)
    if (settings.body !== undefined && !matches(settings.body, body.toString()))
      return this.done('failed', 'the body does not match')
    this.done('passed', '')
  }

  failed(error: TurnpikeError): void {
    // Being out of descriptors says nothing of the endpoint.
    const outcome = error.source === 'turnpike' ? 'unknown' : error.code.endsWith('TIMEOUT') ? 'timeout' : 'failed'
    this.done(outcome, error.code)
  }

  [Symbol.dispose](): void {
    this.disposed = true
    this.place[Symbol.dispose]()
    this.slots.leave(this)
    if (this.probe === null) return
    this.probe.cancel()
    this.probe = null
    this.slots.give()
  }

  private done(outcome: ProbeOutcome, reason: string): void {
    const { health, services } = this.options
    this.probe = null
    const latencyMs = services.world.now() - this.startedAt
    health.probes[outcome]++
    health.probeSeconds += latencyMs / 1000
    health.lastProbe = { at: Math.round(services.world.wallClock()), outcome, reason, latencyMs: Math.round(latencyMs) }
    if (outcome !== 'unknown') this.judge(outcome === 'passed', reason)
    this.next()
  }

  private judge(passed: boolean, reason: string): void {
    const { health, settings } = this.options
    if (passed === this.up) {
      this.against = 0
      this.judged = true
      return
    }
    this.against++
    // The thresholds are against flapping; who was never judged has not flapped.
    const wanted = passed ? (this.judged ? settings.healthyAfter : 1) : settings.unhealthyAfter
    if (this.against < wanted) return
    this.up = passed
    this.judged = true
    this.against = 0
    if (health.listensTo(this)) health.verdict(passed, passed ? 'probe passed' : reason)
  }

  /** The interval counts from one start to the next. */
  private next(): void {
    const { services, settings } = this.options
    this.slots.give()
    if (this.disposed) return
    const due = this.startedAt + settings.interval * (1 - JITTER * services.world.random())
    this.scope.after(Math.max(0, due - services.world.now()), () => this.slots.take(this))
  }
}

function requestOf({ settings, authority }: ProberOptions): OwnRequest | null {
  const { kind, method, path, port, headers } = settings
  if (kind !== 'http') return null
  const fields = Headers.from(Object.entries({ 'user-agent': 'turnpike-probe', ...headers }))
  const own = port === undefined ? authority : `${authority.replace(/:\d+$/, '')}:${port}`
  return { method, target: path, authority: settings.host ?? own, headers: fields }
}

function matches(wanted: NonNullable<ActiveHealthConfig['body']>, body: string): boolean {
  return 'text' in wanted ? body.includes(wanted.text) : wanted.regex.test(body)
}
