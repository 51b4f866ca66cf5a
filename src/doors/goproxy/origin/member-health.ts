import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { EngineServices } from '../../../engine/services.ts'
import type { TimerHandle } from '../../../engine/world.ts'
import type { MemberConfig } from '../config.ts'

/** Share of a new measurement in the latency. */
const LATENCY_SHARE = 0.2

/** What `/api/modules` says of how a member does. */
export interface MemberHealthFacts {
  healthy: boolean
  /** Since when it is as it is, ms since 1970. */
  sinceMs: number
  lastError: { atMs: number; message: string } | null
  /** Smoothed time to the head of its replies; null before the first. */
  latencyMs: number | null
}

export interface MemberHealthParts {
  name: string
  settings: MemberConfig['health']
  services: EngineServices
  scope: Scope
  /** Asks whether it is back: rejects where it is not. */
  probe: (signal: AbortSignal) => Promise<void>
}

/** Whether a member is worth asking: failures in a row take it out, a probe that succeeds brings it back. */
export class MemberHealth {
  private readonly parts: MemberHealthParts
  private down = false
  private sinceMs: number
  private inARow = 0
  private lastError: MemberHealthFacts['lastError'] = null
  private latencyMs: number | null = null
  private probing: TimerHandle | null = null
  private probeRuns = false

  constructor(parts: MemberHealthParts) {
    this.parts = parts
    this.sinceMs = parts.services.world.wallClock()
  }

  /** Why it is passed over; null where it is not. */
  get trouble(): string | null {
    return this.down ? (this.lastError?.message ?? '') : null
  }

  get facts(): MemberHealthFacts {
    const { sinceMs, lastError, latencyMs } = this
    return { healthy: !this.down, sinceMs, lastError, latencyMs }
  }

  /** It gave what it was asked for. */
  succeeded(tookMs: number): void {
    this.latencyMs = this.latencyMs === null ? tookMs : this.latencyMs + (tookMs - this.latencyMs) * LATENCY_SHARE
    this.answered()
  }

  /** It said something that a working member says. */
  answered(): void {
    this.inARow = 0
    if (this.down) this.turn(false)
  }

  failed(error: TurnpikeError): void {
    this.note(error)
    this.inARow++
    // Where no connection comes about, everybody who asks pays the whole deadline.
    if (this.down) return
    const unreachable = isUnreachable(error.cause)
    if (!unreachable && this.inARow < this.parts.settings.unhealthyAfter) return
    this.turn(true)
    // It may have been one lost packet.
    if (unreachable) this.probe()
  }

  private note({ message }: TurnpikeError): void {
    this.lastError = { atMs: this.parts.services.world.wallClock(), message }
  }

  private turn(down: boolean): void {
    const { services, scope, settings, name } = this.parts
    this.down = down
    this.sinceMs = services.world.wallClock()
    this.inARow = 0
    this.probing?.cancel()
    this.probing = down ? scope.every(settings.interval, () => this.probe()) : null
    const error = this.lastError?.message
    if (down) services.notify('warn', 'a member of the module chain is down', { member: name, error })
    else services.notify('info', 'a member of the module chain is up again', { member: name })
  }

  private probe(): void {
    const { scope, settings, probe } = this.parts
    if (this.probeRuns) return
    this.probeRuns = true
    scope.task(async (closing) => {
      const late = new AbortController()
      const timer = scope.after(settings.timeout, () => late.abort(new TurnpikeError('ERR_FIRST_BYTE_TIMEOUT')))
      try {
        await probe(AbortSignal.any([closing, late.signal]))
        this.answered()
      } catch (thrown) {
        this.note(TurnpikeError.from(thrown, 'dial'))
      } finally {
        timer.cancel()
        this.probeRuns = false
      }
    })
  }
}

function isUnreachable(cause: unknown): boolean {
  if (!(cause instanceof TurnpikeError)) return false
  const { code } = cause
  return code === 'ERR_CONNECT_TIMEOUT' || code === 'ERR_DNS_TIMEOUT' || code === 'ERR_TLS_TIMEOUT'
}
