import { TurnpikeError } from '../core/error.ts'
import type { Steps } from '../core/steps.ts'
import type { World } from './world.ts'

/** Far below what anybody notices, and long against what a turn of the event loop costs. */
const SLICE_MS = 5

/**
 * Takes the steps of long work in slices of 5 ms: sockets and timers that are due run in between (W15).
 * Rejects with what a step throws, and with ERR_DRAINING once `signal` is aborted.
 */
export async function inSlices<T>(steps: Steps<T>, world: World, signal: AbortSignal): Promise<T> {
  for (;;) {
    const until = world.now() + SLICE_MS
    while (world.now() < until) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
    await new Promise<void>((resolve) => world.soon(resolve))
    if (signal.aborted) throw new TurnpikeError('ERR_DRAINING')
  }
}
