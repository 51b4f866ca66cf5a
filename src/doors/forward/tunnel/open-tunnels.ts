import type { Scope } from '../../../engine/scope.ts'

/** How many tunnels are open, of all generations, and associations for datagrams with them. */
export class OpenTunnels {
  private open = 0

  static of(scope: Scope): OpenTunnels {
    return scope.shared('forward tunnels', () => new OpenTunnels())
  }

  /** Counts one more, unless there are `max`: null then. What it gives is to be called once, when that one is over. */
  enter(max: number): (() => void) | null {
    if (this.open >= max) return null
    this.open++
    return () => void this.open--
  }
}
