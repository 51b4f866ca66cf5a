import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import type { Rest } from '../../../gomod/zip/rest.ts'

const SLICE_MS = 5

/** Rests after every 5 ms of work on the event loop, until what is due there ran. Rejects with ERR_DRAINING once `signal` is aborted, where there is one. */
export function loopRest(world: World, signal?: AbortSignal): Rest {
  let until = world.now() + SLICE_MS
  return () => {
    if (world.now() < until) return null
    return new Promise((resolve, reject) => {
      world.soon(() => {
        if (signal?.aborted === true) return reject(new TurnpikeError('ERR_DRAINING'))
        until = world.now() + SLICE_MS
        resolve()
      })
    })
  }
}
