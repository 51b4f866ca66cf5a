import type { Exchange } from '../../engine/exchange.ts'
import type { World } from '../../engine/world.ts'
import { cookieValue } from '../../core/cookie.ts'
import type { BalanceConfig } from './config.ts'
import type { Balancer, Candidate } from './balancer.ts'
import { LeastConnections } from './least-connections.ts'
import { PeakEwma } from './peak-ewma.ts'
import { RendezvousHash, type HashKey } from './rendezvous-hash.ts'
import { RoundRobin } from './round-robin.ts'
import { StickyCookie } from './sticky-cookie.ts'
import { loadOf, TwoChoices } from './two-choices.ts'

export interface BalancerOptions<C> {
  balance: BalanceConfig
  members: readonly C[]
  world: Pick<World, 'random'>
  /** Weights change while members start slowly. */
  slowStart: boolean
  /** Name of the upstream. */
  name: string
}

/** The balancer that the config names. */
export function makeBalancer<C extends Candidate>(options: BalancerOptions<C>): Balancer<C> {
  const { balance, members, world, slowStart, name } = options
  if (balance === 'leastConnections') return new LeastConnections(members)
  if (balance === 'random') return new TwoChoices(members, world, loadOf)
  if (balance === 'peakEwma') return new PeakEwma(members, world)
  const inTurn = new RoundRobin(members, slowStart)
  if (balance === 'roundRobin') return inTurn
  if ('sticky' in balance) return new StickyCookie(members, balance.sticky.cookie, name, inTurn)
  return new RendezvousHash(members, hashKey(balance.hash), inTurn)
}

type HashBy = Extract<BalanceConfig, { hash: unknown }>['hash']

function hashKey(by: HashBy): HashKey {
  if (by === 'clientIp') return (exchange: Exchange) => exchange.clientAddress
  if (by === 'path') return (exchange: Exchange) => exchange.path
  if ('header' in by) return (exchange: Exchange) => exchange.headers.get(by.header)
  return (exchange: Exchange) => cookieValue(exchange.headers, by.cookie)
}
