import type { ResolvedAddress } from '../world.ts'

type Done = (error: Error | null, addresses: ResolvedAddress[]) => void

/** Asks the system for every address of a name. */
export type Lookup = (name: string, done: Done) => void

interface Known {
  error: Error | null
  addresses: ResolvedAddress[]
  freshUntil: number
}

const FRESH_MS = 5_000
const FAILED_FRESH_MS = 1_000
const MAX_KNOWN = 1_000
const MAX_WAITING = 1_000
// getaddrinfo blocks a thread of the pool that files and zlib use too (four by default).
const MAX_RUNNING = 2

/**
 * Names to addresses as this machine resolves them, remembered for 5 s (failures 1 s). Those who ask
 * for the same name share one look-up; at most two look-ups run, so that a dead name server cannot
 * take every thread of the pool; over 1 000 waiting names fail at once.
 */
export class Resolver {
  private readonly lookup: Lookup
  private readonly now: () => number
  private readonly known = new Map<string, Known>()
  private readonly asking = new Map<string, Done[]>()
  private readonly waiting: string[] = []
  private running = 0

  constructor(lookup: Lookup, now: () => number) {
    this.lookup = lookup
    this.now = now
  }

  /** `done` is called once, at once where the answer is known. */
  resolve(name: string, done: Done): void {
    const known = this.known.get(name)
    if (known !== undefined && known.freshUntil > this.now()) return done(known.error, known.addresses)
    const others = this.asking.get(name)
    if (others !== undefined) {
      others.push(done)
      return
    }
    if (this.waiting.length >= MAX_WAITING) return done(new Error('too many names wait to be resolved'), [])
    this.asking.set(name, [done])
    if (this.running < MAX_RUNNING) this.run(name)
    else this.waiting.push(name)
  }

  private run(name: string): void {
    this.running++
    this.lookup(name, (error, addresses) => {
      this.running--
      const next = this.waiting.shift()
      if (next !== undefined) this.run(next)
      this.remember(name, error, addresses)
      const askers = this.asking.get(name) ?? []
      this.asking.delete(name)
      for (const asker of askers) asker(error, addresses)
    })
  }

  private remember(name: string, error: Error | null, addresses: ResolvedAddress[]): void {
    this.known.delete(name)
    if (this.known.size >= MAX_KNOWN) {
      for (const oldest of this.known.keys()) {
        this.known.delete(oldest)
        break
      }
    }
    const freshUntil = this.now() + (error === null ? FRESH_MS : FAILED_FRESH_MS)
    this.known.set(name, { error, addresses, freshUntil })
  }
}
