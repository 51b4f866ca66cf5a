import { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { defineMiddleware } from '../../engine/middleware/middleware.ts'
import type { ResponseDraft } from '../../engine/middleware/response-draft.ts'
import { BucketTable } from '../../policy/bucket-table.ts'
import type { TokenBucket } from '../../policy/token-bucket.ts'
import { rateLimitOptions } from './config.ts'
import { rateKey } from './rate-key.ts'

/** Texts of `RateLimit` that are kept. */
const KEPT_TEXTS = 4096

/** Lets through so many requests in so long, for each client, route, header value, or all together. */
export const rateLimit = defineMiddleware({
  name: 'rateLimit',
  options: rateLimitOptions,
  create(options, scope, { name, services }) {
    const { rate, burst = rate.count, maxKeys } = options
    // W5: a reload forgets nobody, unless it changes what is counted, or how.
    const table = scope.shared(
      `rateLimit ${JSON.stringify([name, options])}`,
      () => new BucketTable({ rate, burst }, maxKeys),
    )
    const keyOf = rateKey(options)
    const fields = new RateFields(name, table.bucket)
    const limited = services.middlewareEvents.counter(scope, name, 'limited')
    const { world } = services
    // One for all: a flood is refused without a stack being taken down each time.
    const refusal = new TurnpikeError('ERR_RATE_LIMITED')
    // A header field may be changed or gone by the time of the reply.
    const kept = typeof options.by === 'string' ? null : new WeakMap<Exchange, string>()
    return {
      request(exchange) {
        const key = keyOf(exchange)
        kept?.set(exchange, key)
        if (table.take(key, world.now())) return
        limited.count++
        throw refusal
      },
      response(exchange) {
        const fullAt = table.fullTime(kept?.get(exchange) ?? keyOf(exchange))
        const left = fields.write(exchange.response!, fullAt, world.now())
        if (exchange.error?.code !== refusal.code) return
        // Refused here, even if a token has come since; or refused elsewhere, and here it would be next.
        if (exchange.error === refusal || left === 0) fields.writeRetry(exchange.response!, fullAt, world.now())
      },
    }
  },
})

/** What a reply says of the limit (W19): the fields of draft-ietf-httpapi-ratelimit-headers-10, and the older three. */
class RateFields {
  private readonly bucket: TokenBucket
  private readonly name: string
  private readonly policy: string
  private readonly limit: string
  /** `RateLimit` by tokens left, where the next one is a second away at most. */
  private readonly texts: (string | undefined)[] = []

  constructor(name: string, bucket: TokenBucket) {
    this.bucket = bucket
    this.name = structuredString(name)
    this.limit = String(bucket.burst)
    // The quota is what a full bucket holds, its window the time in which an empty one fills.
    this.policy = `${this.name};q=${bucket.burst};w=${seconds(bucket.fillMs)}`
  }

  /** Returns how many are left. */
  write({ headers }: ResponseDraft, fullAt: number, now: number): number {
    const { bucket } = this
    const left = bucket.remaining(fullAt, now)
    const next = left === bucket.burst ? 0 : seconds(bucket.untilNext(fullAt, now))
    // Lists, to which each limit that a request passes adds one.
    headers.appendChecked('RateLimit', this.text(left, next))
    headers.appendChecked('RateLimit-Policy', this.policy)
    // Not a list: the limit that is nearest speaks.
    const other = headers.get('x-ratelimit-remaining')
    if (other === undefined || !(Number(other) <= left)) {
      if (other !== undefined) for (const field of older) headers.delete(field)
      headers.appendChecked('X-RateLimit-Limit', this.limit)
      headers.appendChecked('X-RateLimit-Remaining', String(left))
      headers.appendChecked('X-RateLimit-Reset', String(fullAt > now ? seconds(fullAt - now) : 0))
    }
    return left
  }

  /** When to come back (RFC 9110 §10.2.3); of several limits, the longest wait counts. */
  writeRetry({ headers }: ResponseDraft, fullAt: number, now: number): void {
    const next = seconds(this.bucket.untilNext(fullAt, now))
    const other = headers.get('retry-after')
    if (other !== undefined && Number(other) >= next) return
    headers.delete('retry-after')
    headers.appendChecked('Retry-After', String(next))
  }

  private text(left: number, next: number): string {
    if (next > 1 || left >= KEPT_TEXTS) return `${this.name};r=${left};t=${next}`
    return (this.texts[left] ??= `${this.name};r=${left};t=${next}`)
  }
}

const older = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']

/** Whole seconds, rounded up: at least one, since what is near is not yet there. */
function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}

/** A String of RFC 9651 §3.3.3: printable ASCII. */
function structuredString(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
