import { realWorld } from '../../../src/engine/real-world.ts'
import type { TimerHandle, World } from '../../../src/engine/world.ts'

/** A world whose clock goes that much faster. Its timers stop with `freeze`, as those of a process that hangs, and go on with `thaw`. */
export class FastWorld {
  readonly world: World
  private readonly late: (() => void)[] = []
  private frozen = false

  constructor(speed: number) {
    const real = realWorld()
    const setTimer = (run: () => void, delayMs: number): TimerHandle =>
      real.setTimer(() => {
        if (this.frozen) this.late.push(run)
        else run()
      }, delayMs / speed)
    const world: World = Object.create(real)
    this.world = Object.assign(world, { now: () => real.now() * speed, setTimer })
  }

  freeze(): void {
    this.frozen = true
  }

  thaw(): void {
    this.frozen = false
    for (const run of this.late.splice(0)) run()
  }
}
