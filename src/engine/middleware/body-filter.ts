import type { TurnpikeError } from '../../core/error.ts'
import type { BodySink } from '../body.ts'

/**
 * Stands in a reply's body, between its producer and `next`. It passes on what it makes of the bytes by
 * `next`'s contract, and calls `ready` once for each `write` that it answered with false.
 */
export interface BodyFilter extends BodySink {
  /** `next` can take more, after a `write` that returned false. */
  resume(): void
  /** Nobody wants the rest: lets go of what it holds, and hears nothing more. */
  cancel(error: TurnpikeError): void
}

export type MakeBodyFilter = (next: BodySink, ready: () => void) => BodyFilter
