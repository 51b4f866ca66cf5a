import type { Ledger } from './ledger.ts'
import type { TimerHandle, World } from './world.ts'

/** The timers of a connection, by the name that logs and errors use (see docs/reference/timers.md). */
export type TimerName =
  | 'head'
  | 'idle'
  | 'bodyProgress'
  | 'queue'
  | 'connect'
  | 'tls'
  | 'try'
  | 'backOff'
  | 'firstByte'
  | 'stall'
  | 'total'
  | 'probe'
  | 'mirror'
  | 'bandwidth'
  | 'drain'

const SLOT_MS = 16
const SLOTS = 4096
const NEVER = Infinity

/**
 * One deadline of one connection. Moving it later is a field store: the wheel looks at the entry
 * when the old time comes and puts it where it belongs by then.
 */
export class Deadline {
  at = NEVER
  name: TimerName = 'idle'
  /** Slot that holds the entry, -1 where none does. */
  slot = -1
  /** When the wheel looks at the entry next. */
  looksAt = NEVER
  before: Deadline | null = null
  after: Deadline | null = null
  readonly expired: (name: TimerName) => void

  constructor(expired: (name: TimerName) => void) {
    this.expired = expired
  }
}

/**
 * All deadlines of an engine on one coarse wheel (16 ms slots) and one world timer, which is set
 * for the first slot in use: an idle process sleeps.
 */
export class TimerWheel {
  private readonly slots = Array<Deadline | null>(SLOTS).fill(null)
  private readonly world: World
  private readonly ledger: Ledger
  private timer: TimerHandle | null = null
  private wakesAt = NEVER
  /** Time up to which slots were looked at. */
  private cursor: number
  private entries = 0

  constructor(world: World, ledger: Ledger) {
    this.world = world
    this.ledger = ledger
    this.cursor = world.now()
  }

  /** Expires `delayMs` from `now` unless set again or cleared. */
  set(entry: Deadline, name: TimerName, now: number, delayMs: number): void {
    entry.name = name
    entry.at = now + delayMs
    if (entry.at >= entry.looksAt) return
    if (entry.slot >= 0) this.unlink(entry)
    this.link(entry)
  }

  /** Will not expire. The entry may stay on the wheel until its old time, at no cost. */
  clear(entry: Deadline): void {
    entry.at = NEVER
  }

  /** Takes the entry off the wheel: for a connection that is closed. */
  remove(entry: Deadline): void {
    entry.at = NEVER
    if (entry.slot >= 0) this.unlink(entry)
  }

  private link(entry: Deadline): void {
    // An empty wheel slept: nothing lies between its last look and now.
    if (this.entries === 0) this.cursor = this.world.now()
    // What lies beyond the wheel is looked at once a turn.
    const horizon = this.cursor + (SLOTS - 1) * SLOT_MS
    entry.looksAt = entry.at < horizon ? Math.max(entry.at, this.cursor) : horizon
    const slot = Math.ceil(entry.looksAt / SLOT_MS) % SLOTS
    const first = this.slots[slot]!
    entry.slot = slot
    entry.before = null
    entry.after = first
    if (first !== null) first.before = entry
    this.slots[slot] = entry
    this.entries++
    this.ledger.enter('timers')
    if (entry.looksAt < this.wakesAt) this.wakeAt(entry.looksAt)
  }

  private unlink(entry: Deadline): void {
    if (entry.before === null) this.slots[entry.slot] = entry.after
    else entry.before.after = entry.after
    if (entry.after !== null) entry.after.before = entry.before
    entry.before = entry.after = null
    entry.slot = -1
    entry.looksAt = NEVER
    this.entries--
    this.ledger.strike('timers')
    if (this.entries === 0) {
      this.timer?.cancel()
      this.timer = null
      this.wakesAt = NEVER
    }
  }

  private wakeAt(at: number): void {
    this.timer?.cancel()
    this.wakesAt = at
    const slotEnd = Math.ceil(at / SLOT_MS) * SLOT_MS
    this.timer = this.world.setTimer(this.wake, Math.max(1, slotEnd - this.world.now()))
  }

  private readonly wake = (): void => {
    this.timer = null
    this.wakesAt = -NEVER // nothing set below asks for a timer of its own
    const now = this.world.now()
    const due: Deadline[] = []
    const last = Math.floor(now / SLOT_MS)
    let slotTime = Math.floor(this.cursor / SLOT_MS)
    if (last - slotTime >= SLOTS) slotTime = last - SLOTS + 1
    this.cursor = now
    for (; slotTime <= last; slotTime++) {
      let entry = this.slots[slotTime % SLOTS]!
      while (entry !== null) {
        const after: Deadline | null = entry.after
        if (entry.looksAt <= now) {
          this.unlink(entry)
          if (entry.at <= now) due.push(entry)
          else if (entry.at < NEVER) this.link(entry)
        }
        entry = after!
      }
    }
    if (due.length > 0) {
      // H25: timers run before sockets are polled. What came in while the loop was busy is read first.
      this.world.soon(() => this.expire(due))
    }
    if (this.entries === 0) this.wakesAt = NEVER
    else if (this.timer === null) this.wakeAt(this.nextLook(now))
  }

  private expire(due: Deadline[]): void {
    const now = this.world.now()
    for (const entry of due) {
      if (entry.at > now) continue
      entry.at = NEVER
      entry.expired(entry.name)
    }
  }

  /** The first slot in use after `now`. */
  private nextLook(now: number): number {
    const from = Math.floor(now / SLOT_MS)
    for (let slotTime = from; slotTime < from + SLOTS; slotTime++) {
      let entry = this.slots[slotTime % SLOTS]!
      let first = NEVER
      while (entry !== null) {
        if (entry.looksAt < first) first = entry.looksAt
        entry = entry.after!
      }
      if (first <= (slotTime + 1) * SLOT_MS) return first
    }
    return now + SLOTS * SLOT_MS
  }
}
