import { closeSync, openSync, readFileSync } from 'node:fs'

const RESERVE = 64
const PROBE_EVERY = 16

/**
 * Watches how near the process is to its limit of file descriptors. libuv answers EMFILE on accept by
 * accepting and closing the whole backlog without telling anybody; keeping a reserve free means that
 * this never happens, and that the clients concerned can be told.
 */
export class Descriptors {
  private readonly limit = softLimit()
  private readonly reserve: number
  private untilProbe = 0
  private low = false

  constructor() {
    this.reserve = Math.min(RESERVE, Math.floor(this.limit / 4))
  }

  /** Whether only the reserve is left. Asked before each new socket: one in 16 looks, each one when few are left. */
  scarce(): boolean {
    if (this.limit === Infinity) return false
    if (!this.low && this.untilProbe-- > 0) return false
    this.untilProbe = Math.min(PROBE_EVERY, this.reserve >> 1)
    this.low = nextDescriptor() >= this.limit - this.reserve
    return this.low
  }
}

/** The kernel gives the lowest free number: all below it are in use. Costs 7 µs. */
function nextDescriptor(): number {
  try {
    const descriptor = openSync('/dev/null', 'r')
    closeSync(descriptor)
    return descriptor
  } catch {
    return Infinity
  }
}

/** Infinity where the system does not say it in /proc. */
function softLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}
