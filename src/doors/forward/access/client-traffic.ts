import { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { Direction, Meter } from '../../../engine/relay/meter.ts'
import type { World } from '../../../engine/world.ts'
import { ByteWindow } from '../../../policy/byte-window.ts'
import { clientKey } from '../../../policy/client-key.ts'
import { TokenBucket } from '../../../policy/token-bucket.ts'
import type { ForwardConfig } from '../config.ts'

/** Clients that are remembered while nothing of them is served. */
const MOST_CLIENTS = 50_000
/** How many of them are looked at for one to forget where there are too many. */
const SAMPLE = 16

/** The longest time whose bytes may come at once, ms. */
const BURST_MS = 1000

/** What is known of one client. */
interface Account {
  key: string
  /** Its exchanges that are open. */
  open: number
  moved: ByteWindow | null
  /** When its buckets are full again. */
  fullAt: Record<Direction, number>
}

type Limits = Pick<ForwardConfig['limits'], 'bytesPerClient' | 'bandwidthPerClient'>

/**
 * How much each client moves, and how fast. Tunnels are counted and slowed as bytes move, and are cut where they pass
 * the limit; other exchanges are counted at their end, and slow down the client's tunnels.
 */
export class ClientTraffic {
  private readonly accounts = new Map<string, Account>()
  /** Goes through them, over and over. */
  private hand = this.accounts.values()
  private readonly world: Pick<World, 'now' | 'soon'>
  private readonly bytes: Limits['bytesPerClient']
  private readonly pace: TokenBucket | null

  constructor({ bytesPerClient, bandwidthPerClient }: Limits, world: Pick<World, 'now' | 'soon'>) {
    this.world = world
    this.bytes = bytesPerClient
    this.pace =
      bandwidthPerClient === null
        ? null
        : new TokenBucket({
            rate: { count: bandwidthPerClient.bytes, perMs: bandwidthPerClient.perMs },
            burst: bandwidthPerClient.bytes * Math.min(1, BURST_MS / bandwidthPerClient.perMs),
          })
  }

  /** Why a client may not begin anything now, null where it may. */
  refusalOf(address: string): TurnpikeError | null {
    const moved = this.accounts.get(clientKey(address))?.moved
    if (moved === undefined || moved === null || this.bytes === null) return null
    const waitMs = moved.untilBelow(this.bytes.bytes, this.world.now())
    if (waitMs === 0) return null
    return new TurnpikeError('ERR_CLIENT_BYTES', { fields: [['Retry-After', String(Math.ceil(waitMs / 1000))]] })
  }

  /** Counts what an exchange moves, until it has ended. */
  meter(exchange: Exchange): Meter {
    return new ExchangeMeter(this, exchange, this.enter(clientKey(exchange.clientAddress)))
  }

  /** Clients that are known. */
  get size(): number {
    return this.accounts.size
  }

  /** Counts bytes; says for how long to pause. */
  spend(account: Account, bytes: number, direction: Direction): number {
    const now = this.world.now()
    account.moved?.add(bytes, now)
    if (this.pace === null) return 0
    const fullAt = this.pace.spend(account.fullAt[direction], now, bytes)
    account.fullAt[direction] = fullAt
    return Math.ceil(this.pace.debtMs(fullAt, now))
  }

  /** Whether the client has moved all that it may. */
  isSpent({ moved }: Account): boolean {
    return moved !== null && this.bytes !== null && moved.total(this.world.now()) >= this.bytes.bytes
  }

  leave(account: Account): void {
    account.open--
    if (this.isForgettable(account)) this.accounts.delete(account.key)
  }

  cutSoon(exchange: Exchange): void {
    // Not while its relay is at the bytes that were too many.
    this.world.soon(() => exchange.tunnel?.cut(new TurnpikeError('ERR_CLIENT_BYTES')))
  }

  private enter(key: string): Account {
    let account = this.accounts.get(key)
    if (account === undefined) {
      // Two looks for each new client: those of which nothing is left to know go faster than new ones come.
      this.forgetNext()
      this.forgetNext()
      if (this.accounts.size >= MOST_CLIENTS) this.forgetLeast()
      const moved = this.bytes === null ? null : new ByteWindow(this.bytes.perMs)
      account = { key, open: 0, moved, fullAt: { up: -Infinity, down: -Infinity } }
      this.accounts.set(key, account)
    }
    account.open++
    return account
  }

  private isForgettable({ open, moved, fullAt }: Account): boolean {
    const now = this.world.now()
    return open === 0 && (moved === null || moved.total(now) === 0) && Math.max(fullAt.up, fullAt.down) <= now
  }

  private forgetNext(): void {
    const [account] = this.next(1)
    if (account !== undefined && this.isForgettable(account)) this.accounts.delete(account.key)
  }

  /** Whoever has moved least loses least. */
  private forgetLeast(): void {
    const now = this.world.now()
    const movedBy = ({ moved }: Account): number => moved?.total(now) ?? 0
    const idle = this.next(SAMPLE).filter(({ open }) => open === 0)
    const [least] = idle.toSorted((left, right) => movedBy(left) - movedBy(right))
    if (least !== undefined) this.accounts.delete(least.key)
  }

  /** So many clients, round and round. */
  private next(count: number): Account[] {
    const found: Account[] = []
    for (let left = count; left > 0; left--) {
      let each = this.hand.next()
      if (each.done === true) {
        this.hand = this.accounts.values()
        each = this.hand.next()
      }
      if (each.done === true) break
      found.push(each.value)
    }
    return found
  }
}

class ExchangeMeter implements Meter {
  private readonly traffic: ClientTraffic
  private readonly exchange: Exchange
  private readonly account: Account
  private counted = 0
  private cutting = false

  constructor(traffic: ClientTraffic, exchange: Exchange, account: Account) {
    this.traffic = traffic
    this.exchange = exchange
    this.account = account
  }

  moved(bytes: number, direction: Direction): number {
    this.counted += bytes
    const pauseMs = this.traffic.spend(this.account, bytes, direction)
    if (!this.cutting && this.traffic.isSpent(this.account)) {
      this.cutting = true
      this.traffic.cutSoon(this.exchange)
    }
    return pauseMs
  }

  ended({ bytesIn, bytesOut }: Exchange): void {
    if (this.counted === 0) {
      this.traffic.spend(this.account, bytesIn, 'up')
      this.traffic.spend(this.account, bytesOut, 'down')
    }
    this.traffic.leave(this.account)
  }
}
