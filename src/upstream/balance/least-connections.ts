import type { Exchange } from '../../engine/exchange.ts'
import type { Balancer, Candidate, Candidates } from './balancer.ts'

/** The member with the fewest tries in flight for its weight; where several have, they take turns by weight. */
export class LeastConnections<C extends Candidate> implements Balancer<C> {
  private readonly members: readonly C[]
  private readonly current: Float64Array

  constructor(members: readonly C[]) {
    this.members = members
    this.current = new Float64Array(members.length)
  }

  pick(_exchange: Exchange, candidates: Candidates<C>): C | null {
    const { members, current } = this
    let least = Infinity
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (!candidates.allows(member, false)) continue
      const load = member.endpoint.inFlight / candidates.weightOf(member)
      if (load < least) least = load
    }
    // Smooth weighted round robin among those: an idle cluster would else be its first member alone.
    let best = -1
    let total = 0
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (!candidates.allows(member, false)) continue
      const weight = candidates.weightOf(member)
      if (member.endpoint.inFlight / weight > least) continue
      total += weight
      current[at]! += weight
      if (best < 0 || current[at]! > current[best]!) best = at
    }
    if (best < 0) return null
    current[best]! -= total
    return members[best]!
  }
}
