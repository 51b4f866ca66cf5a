/** Something chosen in proportion to its weight. */
export interface Weighted {
  weight: number
}

/**
 * Smooth weighted round robin: over a whole turn each is chosen as often as its weight says, and
 * turns are interleaved rather than in runs (5, 1, 1 gives a a b a c a a).
 */
export class WeightedRoundRobin<T extends Weighted> {
  readonly members: readonly T[]
  private readonly current: Float64Array
  private readonly total: number
  private readonly even: boolean
  private turn = -1

  /** Members of weight 0 are never chosen, unless all have it. */
  constructor(members: readonly T[]) {
    const weighted = members.filter((member) => member.weight > 0)
    this.members = weighted.length > 0 ? weighted : members
    this.current = new Float64Array(this.members.length)
    this.total = this.members.reduce((sum, member) => sum + member.weight, 0)
    this.even = this.members.every((member) => member.weight === this.members[0]!.weight)
  }

  next(): T {
    const { members, current } = this
    if (this.even) {
      this.turn = this.turn + 1 === members.length ? 0 : this.turn + 1
      return members[this.turn]!
    }
    let best = 0
    for (let at = 0; at < members.length; at++) {
      current[at]! += members[at]!.weight
      if (current[at]! > current[best]!) best = at
    }
    current[best]! -= this.total
    return members[best]!
  }
}
