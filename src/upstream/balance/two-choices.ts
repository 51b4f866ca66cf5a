import type { Exchange } from '../../engine/exchange.ts'
import type { World } from '../../engine/world.ts'
import type { Balancer, Candidate, Candidates } from './balancer.ts'

/** What being sent one more request costs a member now; the lower of two is chosen. */
export type CostOf<C> = (member: C, candidates: Candidates<C>) => number

/**
 * The better of two members drawn by weight (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing",
 * 2001): nearly as even as the best of all, and several proxies do not all rush to the same one.
 */
export class TwoChoices<C extends Candidate> implements Balancer<C> {
  private readonly members: readonly C[]
  private readonly world: Pick<World, 'random'>
  private readonly costOf: CostOf<C>

  constructor(members: readonly C[], world: Pick<World, 'random'>, costOf: CostOf<C>) {
    this.members = members
    this.world = world
    this.costOf = costOf
  }

  pick(_exchange: Exchange, candidates: Candidates<C>): C | null {
    const first = this.draw(candidates, null)
    if (first === null) return null
    const second = this.draw(candidates, first)
    if (second === null) return first
    return this.costOf(second, candidates) < this.costOf(first, candidates) ? second : first
  }

  private draw(candidates: Candidates<C>, but: C | null): C | null {
    const { members } = this
    let total = 0
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (member !== but && candidates.allows(member, false)) total += candidates.weightOf(member)
    }
    let left = this.world.random() * total
    let last: C | null = null
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (member === but || !candidates.allows(member, false)) continue
      last = member
      left -= candidates.weightOf(member)
      if (left < 0) break
    }
    return last
  }
}

/** Tries in flight for its weight. */
export function loadOf<C extends Candidate>(member: C, candidates: Candidates<C>): number {
  return member.endpoint.inFlight / candidates.weightOf(member)
}
