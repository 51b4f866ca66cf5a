import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import { saysGone } from './says.ts'

const MAX_KEPT = 20_000

/** What does not exist, so that it is not asked for again and again (G7). Memory alone: a restart asks anew. */
export class Negatives {
  private readonly world: Pick<World, 'now'>
  private readonly keptMs: number
  private readonly kept = new Map<string, { error: TurnpikeError; untilMs: number }>()

  constructor(world: Pick<World, 'now'>, keptMs: number) {
    this.world = world
    this.keptMs = keptMs
  }

  /** Throws what was said when it was last asked for, where that is fresh. */
  check(key: string): void {
    const known = this.kept.get(key)
    if (known === undefined) return
    if (known.untilMs <= this.world.now()) return void this.kept.delete(key)
    const { code, message, status } = known.error
    throw new TurnpikeError(code, { message, status, fields: [['X-Cache', 'negative']] })
  }

  /** Keeps an error that says so; others say nothing about whether it exists (G9). */
  learn(key: string, error: unknown): void {
    if (saysGone(error)) this.keep(key, error, this.keptMs)
  }

  /** Keeps any error, for so long. */
  keep(key: string, error: TurnpikeError, keptMs: number): void {
    if (keptMs === 0) return
    this.kept.delete(key)
    this.kept.set(key, { error, untilMs: this.world.now() + keptMs })
    if (this.kept.size <= MAX_KEPT) return
    const [oldest] = this.kept.keys()
    this.kept.delete(oldest!)
  }

  forget(key: string): void {
    this.kept.delete(key)
  }
}
