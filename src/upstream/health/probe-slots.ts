/** Who waits for a slot. */
export interface SlotTaker {
  /** The slot is there. */
  begin(): void
}

/** Bounds the probes of a process that run at a time (W8): the rest wait their turn, first come first served. */
export class ProbeSlots {
  private free: number
  private readonly waiting = new Set<SlotTaker>()

  constructor(slots: number) {
    this.free = slots
  }

  /** `begin` is called when there is a slot: at once, or later. */
  take(taker: SlotTaker): void {
    if (this.free === 0) {
      this.waiting.add(taker)
      return
    }
    this.free--
    taker.begin()
  }

  /** Wants none any more. */
  leave(taker: SlotTaker): void {
    this.waiting.delete(taker)
  }

  /** Gives a slot back. */
  give(): void {
    this.free++
    const [next] = this.waiting
    if (next === undefined) return
    this.waiting.delete(next)
    this.take(next)
  }
}
