import { TurnpikeError } from '../../../core/error.ts'
import type { World } from '../../../engine/world.ts'
import { isAbsence, type ChainLink } from './chain-link.ts'
import { outcomeOf } from './member-error.ts'
import type { Ask } from './module-origin.ts'

/** Which of the errors is told (cmd/go/internal/modfetch TryProxies): that of `direct` before a failure, that before an absence. */
const rank = { absence: 0, failure: 1, direct: 2 }

/**
 * Asks one after the other until one answers, or one stops it: behind `,` the next is asked on 404 and 410 alone, behind
 * `|` on any error (G4). What is our own side's fault, or too large, the next member would not change: that ends it.
 */
export async function walkChain<T>(
  links: readonly ChainLink[],
  ask: Ask,
  world: Pick<World, 'now'>,
  work: (link: ChainLink) => Promise<T>,
): Promise<T> {
  let told = new TurnpikeError('ERR_MODULE_NOT_FOUND')
  let toldRank = rank.absence
  for (const link of links) {
    const startedAt = world.now()
    try {
      const answer = await work(link)
      link.found()
      ask.trail.add(link.name, '200', world.now() - startedAt)
      return answer
    } catch (thrown) {
      const error = TurnpikeError.from(thrown, 'body')
      ask.trail.add(link.name, outcomeOf(error), world.now() - startedAt)
      if (ask.signal.aborted || isFinal(error)) throw error
      link.failed(error)
      const own = link.name === 'direct' ? rank.direct : isAbsence(error) ? rank.absence : rank.failure
      if (own >= toldRank) {
        told = error
        toldRank = own
      }
      if (link.next === ',' && !isAbsence(error)) break
    }
  }
  throw told
}

function isFinal({ source, code }: TurnpikeError): boolean {
  return source === 'turnpike' || code === 'ERR_MODULE_TOO_LARGE' || code === 'ERR_MODULE_PATH'
}
