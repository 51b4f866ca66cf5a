/** Something to run at a time; cancelled by setting `run` to null. */
export interface Event {
  at: number
  order: number
  run: (() => void) | null
}

/** Events by time; those of one time in the order in which they were added (a binary heap). */
export class EventQueue {
  private readonly heap: Event[] = []
  private added = 0

  add(at: number, run: () => void): Event {
    const { heap } = this
    const event: Event = { at, order: this.added++, run }
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
    return event
  }

  /** When the first event is due; Infinity without one. */
  nextAt(): number {
    while (this.heap.length > 0 && this.heap[0]!.run === null) this.pop()
    return this.heap[0]?.at ?? Infinity
  }

  /** Takes the first event due by `now` and added before `order`, or null. */
  take(now: number, order = Infinity): (() => void) | null {
    if (this.nextAt() > now || this.heap[0]!.order >= order) return null
    return this.pop().run
  }

  /** The order that the next added event gets. */
  get order(): number {
    return this.added
  }

  private pop(): Event {
    const { heap } = this
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
