import { TurnpikeError } from '../../../core/error.ts'
import type { Rate } from '../../../core/units.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { World } from '../../../engine/world.ts'
import { addressPrefix } from '../../../policy/address-prefix.ts'
import { BucketTable } from '../../../policy/bucket-table.ts'

/** Clients whose rate is kept track of; beyond it, those that asked least are forgotten. */
const CLIENTS = 10_000
/** What one subscriber is usually given of IPv6 (RFC 6177). */
const IPV6_PREFIX = 64

export interface ClientLimitsConfig {
  /** Requests in the long run; as many at once. Undefined: no bound. */
  perClient?: Rate | undefined
  /** Requests at a time. */
  concurrentPerClient: number
}

/** How much one client may ask for: a user, or an address where nobody is known. */
export class ClientLimits {
  private readonly rate: BucketTable | null
  private readonly most: number
  private readonly running = new Map<string, number>()
  private readonly world: Pick<World, 'now'>
  private readonly tooMany: TurnpikeError

  constructor({ perClient, concurrentPerClient }: ClientLimitsConfig, world: Pick<World, 'now'>) {
    this.rate = perClient === undefined ? null : new BucketTable({ rate: perClient, burst: perClient.count }, CLIENTS)
    this.most = concurrentPerClient
    this.world = world
    this.tooMany = new TurnpikeError('ERR_RATE_LIMITED', {
      message: `There are ${concurrentPerClient} requests of this client being served already (limits.concurrentPerClient).`,
      fields: [['Retry-After', '1']],
    })
  }

  /** Counts one request. Throws ERR_RATE_LIMITED. */
  take(exchange: Exchange): void {
    const { rate } = this
    if (rate === null) return
    const key = clientKey(exchange)
    const now = this.world.now()
    if (rate.take(key, now)) return
    const seconds = Math.max(1, Math.ceil(rate.bucket.untilNext(rate.fullTime(key), now) / 1000))
    throw new TurnpikeError('ERR_RATE_LIMITED', {
      message: 'This client asks for more than limits.perClient allows.',
      fields: [['Retry-After', String(seconds)]],
    })
  }

  /** Counts a request that takes time, until the function that it returns is called. Throws ERR_RATE_LIMITED. */
  enter(exchange: Exchange): () => void {
    const { running } = this
    const key = clientKey(exchange)
    const count = running.get(key) ?? 0
    if (count >= this.most) throw this.tooMany
    running.set(key, count + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      const now = running.get(key)! - 1
      if (now === 0) running.delete(key)
      else running.set(key, now)
    }
  }
}

function clientKey({ user, clientAddress }: Exchange): string {
  // No address begins with a NUL: no user can pass for one.
  if (user !== '') return `\0${user}`
  return clientAddress.includes(':') ? addressPrefix(clientAddress, IPV6_PREFIX) : clientAddress
}
