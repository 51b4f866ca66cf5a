import type { Headers } from '../../core/headers.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { World } from '../../engine/world.ts'
import type { Balancer, Candidate, Candidates, TryObserver } from './balancer.ts'
import { TwoChoices } from './two-choices.ts'

/** Over this time without a measurement the average falls to 1/e. */
const DECAY_MS = 10_000
/**
 * What is left of the average after a measurement that is lower, at most. As published there is no such bound, and
 * after one stall of the whole machine all members look alike for ten seconds: here a busy one has outlived a peak
 * within some dozen replies.
 */
const MOST_KEPT = 0.9
/** What a member that was never measured, but has tries in flight, is taken for: it gets one at a time at first. */
const UNKNOWN_MS = 1_000
/** What a failure counts as at least, so that one who fails fast does not pass for fast. */
const FAILURE_MS = 1_000

/**
 * Latency × load, of two drawn by weight. The latency is a moving average that decays with time and takes a peak at
 * once: as published with Twitter's Finagle (`com.twitter.finagle.loadbalancer.PeakEwma`) and Linkerd.
 */
export class PeakEwma<C extends Candidate> implements Balancer<C>, TryObserver<C> {
  readonly learns = this
  private readonly choices: TwoChoices<C>

  constructor(members: readonly C[], world: Pick<World, 'random'>) {
    this.choices = new TwoChoices(members, world, costOf)
  }

  pick(exchange: Exchange, candidates: Candidates<C>): C | null {
    return this.choices.pick(exchange, candidates)
  }

  replied(member: C, exchange: Exchange, _headers: Headers, now: number): void {
    observe(member, now - exchange.connectedAt, now)
  }

  failed(member: C, now: number): void {
    observe(member, FAILURE_MS, now)
  }
}

function observe({ endpoint }: Candidate, latencyMs: number, now: number): void {
  if (latencyMs > endpoint.latencyMs) {
    endpoint.latencyMs = latencyMs
  } else {
    const kept = Math.min(MOST_KEPT, Math.exp((endpoint.latencyAt - now) / DECAY_MS))
    endpoint.latencyMs = endpoint.latencyMs * kept + latencyMs * (1 - kept)
  }
  endpoint.latencyAt = now
}

/** The average falls as time goes by without a measurement, so that one who was slow is asked again. */
function costOf<C extends Candidate>(member: C, candidates: Candidates<C>): number {
  const { endpoint } = member
  const { inFlight, latencyMs, latencyAt } = endpoint
  const latency =
    latencyAt === 0 ? (inFlight === 0 ? 0 : UNKNOWN_MS) : latencyMs * Math.exp((latencyAt - candidates.now) / DECAY_MS)
  return (latency * (inFlight + 1)) / candidates.weightOf(member)
}
