import type { Exchange } from '../../engine/exchange.ts'
import type { Balancer, Candidates } from './balancer.ts'

/** Something chosen in proportion to its weight. */
export interface Weighted {
  readonly weight: number
}

/**
 * Smooth weighted round robin: over a whole turn each is chosen as often as its weight says, and
 * turns are interleaved rather than in runs (5, 1, 1 gives a a b a c a a).
 */
export class RoundRobin<C extends Weighted> implements Balancer<C> {
  private readonly members: readonly C[]
  private readonly current: Float64Array
  /** Weights are equal, and stay so. */
  private readonly even: boolean
  private turn = -1

  /** Members of weight 0 are never chosen, unless all have it. `slowStart`: weights change as time goes by. */
  constructor(members: readonly C[], slowStart = false) {
    const weighted = members.filter((member) => member.weight > 0)
    this.members = weighted.length > 0 ? weighted : members
    this.current = new Float64Array(this.members.length)
    this.even = !slowStart && this.members.every((member) => member.weight === this.members[0]!.weight)
  }

  pick(_exchange: Exchange, candidates: Candidates<C>): C | null {
    return this.even ? this.next(candidates) : this.heaviest(candidates)
  }

  private next(candidates: Candidates<C>): C | null {
    const { members } = this
    for (let tries = 0; tries < members.length; tries++) {
      this.turn = this.turn + 1 === members.length ? 0 : this.turn + 1
      const member = members[this.turn]!
      if (candidates.allows(member, false)) return member
    }
    return null
  }

  private heaviest(candidates: Candidates<C>): C | null {
    const { members, current } = this
    let best = -1
    let total = 0
    for (let at = 0; at < members.length; at++) {
      const member = members[at]!
      if (!candidates.allows(member, false)) continue
      const weight = candidates.weightOf(member)
      total += weight
      current[at]! += weight
      if (best < 0 || current[at]! > current[best]!) best = at
    }
    if (best < 0) return null
    current[best]! -= total
    return members[best]!
  }
}

/** Candidates where all are allowed, with their own weights. */
export const everyone: Candidates<Weighted> = {
  now: 0,
  allows: () => true,
  weightOf: (member) => member.weight,
}
