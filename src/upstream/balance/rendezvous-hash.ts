import type { Exchange } from '../../engine/exchange.ts'
import type { Balancer, Candidate, Candidates } from './balancer.ts'
import { hashText, mixed } from './hash-text.ts'

/** What an exchange is bound to a member by; undefined where it has no such thing. */
export type HashKey = (exchange: Exchange) => string | undefined

/**
 * The same key goes to the same member: each is scored by the hash of key and endpoint, and the highest wins
 * (Thaler and Ravishankar, 1998; weights by Schindelhauer and Schomaker, 2005). Chosen over a ring or a table: shares are
 * exact, one that goes moves its own keys alone, nothing is built or kept, and some hundred members are scored in
 * microseconds.
 */
export class RendezvousHash<C extends Candidate> implements Balancer<C> {
  private readonly members: readonly C[]
  private readonly seeds: Int32Array
  private readonly keyOf: HashKey
  private readonly keyless: Balancer<C>

  /** `keyless` chooses for exchanges without a key. */
  constructor(members: readonly C[], keyOf: HashKey, keyless: Balancer<C>) {
    this.members = members
    this.seeds = Int32Array.from(members, ({ endpoint }) => hashText(endpoint.url))
    this.keyOf = keyOf
    this.keyless = keyless
  }

  pick(exchange: Exchange, candidates: Candidates<C>): C | null {
    const key = this.keyOf(exchange)
    if (key === undefined) return this.keyless.pick(exchange, candidates)
    const { members, seeds } = this
    const hash = hashText(key)
    let best: C | null = null
    let highest = -Infinity
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (!candidates.allows(member, false)) continue
      // Its own weight, not the present one: a slow start would send each key here and there.
      const score = member.weight / -Math.log((mixed(hash ^ seeds[at]!) + 0.5) / 2 ** 32)
      if (score <= highest) continue
      best = member
      highest = score
    }
    return best
  }
}
