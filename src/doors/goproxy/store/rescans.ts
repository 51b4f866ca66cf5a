import type { Scope } from '../../../engine/scope.ts'
import type { World } from '../../../engine/world.ts'

/** Looks at what a place holds, one time at a time, for all who wait for it. What goes wrong the scope is told. */
export class Rescans {
  private readonly scope: Scope
  private readonly world: World
  private readonly scan: (signal: AbortSignal) => Promise<void>
  private running: Promise<void> | null = null
  /** When the last one ended; null before the first. */
  private endedMs: number | null = null

  constructor(scope: Scope, world: World, scan: (signal: AbortSignal) => Promise<void>) {
    this.scope = scope
    this.world = world
    this.scan = scan
  }

  /** Looks now, where nobody does, and resolves when it is over. */
  run(): Promise<void> {
    this.running ??= this.scope.signal.aborted ? Promise.resolve() : this.start()
    return this.running
  }

  /** Resolves when somebody has looked, since so long ago at most. */
  seen(withinMs = Infinity): Promise<void> {
    const seen = this.endedMs !== null && this.world.now() - this.endedMs <= withinMs
    return seen ? Promise.resolve() : this.run()
  }

  private start(): Promise<void> {
    return new Promise((over) => {
      this.scope.task(async (signal) => {
        try {
          await this.scan(signal)
        } catch (error) {
          // One that was told to stop may say so in its own words.
          throw signal.aborted ? signal.reason : error
        } finally {
          this.running = null
          this.endedMs = this.world.now()
          over()
        }
      })
    })
  }
}
