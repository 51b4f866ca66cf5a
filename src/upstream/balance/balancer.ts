import type { Headers } from '../../core/headers.ts'
import type { Exchange } from '../../engine/exchange.ts'

/** What can be chosen: an endpoint with its share. */
export interface Candidate {
  /** Share against the others' weights. */
  readonly weight: number
  readonly endpoint: {
    readonly url: string
    /** Tries that have begun and are not over. */
    readonly inFlight: number
    /** Peak EWMA of the time to the first byte, ms, as of `latencyAt` on the world's clock. */
    latencyMs: number
    latencyAt: number
  }
}

/** Which of a balancer's members may be chosen for the exchange that is being placed. */
export interface Candidates<C> {
  /** The world's clock, ms. */
  readonly now: number
  /** `bound`: the exchange belongs there by its cookie, so a member that takes nothing new will do. */
  allows(member: C, bound: boolean): boolean
  /** Its weight now: less than its own while it starts slowly. */
  weightOf(member: C): number
}

/** Chooses where an exchange goes. Every choice allocates nothing, and changes nothing where it finds nothing. */
export interface Balancer<C> {
  /** Null where no member is allowed. */
  pick(exchange: Exchange, candidates: Candidates<C>): C | null
  /** Hears how tries went, where it learns from them. */
  readonly learns?: TryObserver<C>
}

/** Hears how tries went. */
export interface TryObserver<C> {
  /** The head of the reply that the client gets is there; `headers` may be changed. */
  replied(member: C, exchange: Exchange, headers: Headers, now: number): void
  failed(member: C, now: number): void
}
