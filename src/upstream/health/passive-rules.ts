import type { ErrorCode } from '../../core/error-codes.ts'
import type { PassiveHealthConfig } from './config.ts'

const statuses = Array.from({ length: 100 }, (_, index) => String(500 + index))

/** What each word of `on` stands for: cause codes and statuses. */
const causes: Readonly<Record<string, readonly (ErrorCode | string)[]>> = {
  connectFailure: [
    'ERR_DNS',
    'ERR_DNS_TIMEOUT',
    'ERR_CONNECT_REFUSED',
    'ERR_CONNECT_TIMEOUT',
    'ERR_CONNECT_FAILED',
    'ERR_TLS_UPSTREAM',
    'ERR_TLS_CERTIFICATE',
    'ERR_TLS_TIMEOUT',
  ],
  timeout: ['ERR_FIRST_BYTE_TIMEOUT', 'ERR_STALL_TIMEOUT'],
  reset: [
    'ERR_UPSTREAM_CLOSED',
    'ERR_UPSTREAM_ABORT',
    'ERR_UPSTREAM_TRUNCATED',
    'ERR_UPSTREAM_HEAD',
    'ERR_UPSTREAM_HEAD_SIZE',
    'ERR_UPSTREAM_FRAMING',
    'ERR_UPSTREAM_CHUNK',
  ],
  '5xx': statuses,
}

/** Longest ejection, in first ones. */
const MOST_TIMES_LONGER = 8

/** When requests that fail take an endpoint out, as one upstream's config says. Times in ms. */
export class PassiveRules {
  readonly failures: number
  readonly withinMs: number
  readonly maxEjected: number
  private readonly ejectForMs: number
  private readonly counted: ReadonlySet<string>

  constructor({ failures, within, ejectFor, maxEjected, on }: PassiveHealthConfig) {
    this.failures = failures
    this.withinMs = within
    this.ejectForMs = ejectFor
    this.maxEjected = maxEjected
    this.counted = new Set(on.flatMap((word) => causes[word] ?? [word]))
  }

  /** Whether a cause code or status speaks against the endpoint. */
  counts(reason: string): boolean {
    return this.counted.has(reason)
  }

  /** How long an endpoint is out whose last ejection took `lastMs`, 0 where it has held out since. */
  ejectionMs(lastMs: number): number {
    return lastMs === 0 ? this.ejectForMs : Math.min(lastMs * 2, this.ejectForMs * MOST_TIMES_LONGER)
  }
}
