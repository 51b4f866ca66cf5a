import { TurnpikeError } from '../../../core/error.ts'
import type { Scope } from '../../../engine/scope.ts'
import type { World } from '../../../engine/world.ts'
import type { Ask } from '../origin/module-origin.ts'
import { Trail } from '../origin/trail.ts'
import type { CacheState, LibraryAsk } from './answer.ts'
import type { FetchGate } from './fetch-gate.ts'
import type { KeptAnswer, KeptAnswers } from './kept-answers.ts'
import type { Negatives } from './negatives.ts'
import { saysGone } from './says.ts'
import { SingleFlight } from './single-flight.ts'

/** Git may have to fetch a large repository before it can say. */
const TOTAL_MS = 300_000
/** An answer so many times older than it is fresh is waited for: what nobody asked for in a week is not told as news. */
const STALE_AT_ONCE = 10

/** Something whose answer changes in time. */
export interface Question {
  /** Stands for it everywhere. */
  key: string
  freshMs: number
  /** Asks the origin. `before` is the answer of last time. */
  askOrigin: (ask: Ask, before: KeptAnswer | null) => Promise<Buffer>
}

export interface ChangingParts {
  world: World
  scope: Scope
  gate: FetchGate
  kept: KeptAnswers
  negatives: Negatives
  /** How long past its freshness an answer is given while nobody can be asked. */
  staleWhileErrorMs: number
}

/** Lists, `@latest` and what branches are: fresh, or stale at once and asked for behind, or stale for lack of better. */
export class ChangingAnswers {
  private readonly parts: ChangingParts
  private readonly flights: SingleFlight<KeptAnswer>

  constructor(parts: ChangingParts) {
    this.parts = parts
    this.flights = new SingleFlight(parts.scope, TOTAL_MS)
  }

  async get(question: Question, ask: LibraryAsk): Promise<{ kept: KeptAnswer; cache: CacheState }> {
    const { negatives, kept: answers, world, staleWhileErrorMs } = this.parts
    const { key, freshMs } = question
    negatives.check(key)
    const kept = await answers.get(key)
    const now = world.now()
    const ageMs = kept === null ? Infinity : now - kept.askedAtMs
    if (kept !== null && ageMs < freshMs) return { kept, cache: 'hit' }
    if (!ask.fetch) {
      if (kept === null) throw new TurnpikeError('ERR_MODULE_NOT_KEPT')
      return { kept, cache: 'stale' }
    }
    const usable = ageMs < freshMs + staleWhileErrorMs
    if (kept !== null && usable && (now < kept.quietUntilMs || ageMs < STALE_AT_ONCE * freshMs)) {
      if (now >= kept.quietUntilMs && !this.flights.has(key)) this.refreshBehind(question)
      return { kept, cache: 'stale' }
    }
    try {
      return { kept: await this.refresh(question, ask), cache: 'miss' }
    } catch (error) {
      if (kept === null || !usable || saysGone(error) || ask.signal.aborted) throw error
      return { kept, cache: 'stale' }
    }
  }

  /** The answer of last time, however old; null where there was none. */
  last(key: string): Promise<KeptAnswer | null> {
    return this.parts.kept.get(key)
  }

  /** Somebody can do without an answer: the error that came instead stands for it as long as it would be fresh. */
  rest({ key, freshMs }: Question, error: unknown): void {
    this.parts.negatives.keep(key, TurnpikeError.from(error, 'body'), freshMs)
  }

  /** Nobody waits: whoever asks next gets what came of it. */
  private refreshBehind(question: Question): void {
    this.parts.scope.task(async (signal) => {
      try {
        await this.refresh(question, { signal, trail: new Trail() })
      } catch {
        // Why is told to who has to wait for it, and by the health of the chain's members.
      }
    })
  }

  private refresh(question: Question, ask: Ask): Promise<KeptAnswer> {
    return this.flights.join(question.key, ask, async (flight) => {
      try {
        return await this.ask(question, flight)
      } catch (error) {
        if (saysGone(error)) await this.gone(question.key, error)
        else this.parts.kept.rest(question.key, this.parts.world.now() + question.freshMs)
        throw error
      }
    })
  }

  private async ask({ key, freshMs, askOrigin }: Question, ask: Ask): Promise<KeptAnswer> {
    const { gate, kept: answers, scope, world } = this.parts
    const before = await answers.load(key)
    if (before !== null && world.now() - before.askedAtMs < freshMs) return before
    const bytes = await gate.run(ask.signal, () => askOrigin(ask, before))
    const { kept, written } = answers.put(key, bytes)
    scope.task(async () => void (await written))
    return kept
  }

  private async gone(key: string, error: TurnpikeError): Promise<void> {
    this.parts.negatives.learn(key, error)
    await this.parts.kept.forget(key)
  }
}
