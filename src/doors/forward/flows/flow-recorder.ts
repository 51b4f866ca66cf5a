import type { Middleware } from '../../../engine/middleware/middleware.ts'
import type { FlowWatcher } from './flow-journal.ts'

/** Writes down what passes: requests with their replies, as HAR 1.2. */
export interface FlowRecorder {
  /** Stands next to the handler: sees what leaves, and what comes back, as it is on the wire to the target. */
  readonly middleware: Middleware
  /** The last ones, each as one JSON text of a HAR entry, the oldest first. */
  readonly recent: readonly string[]
  /** Each flow once it is over. Call what is returned to hear no more. */
  watch(watcher: FlowWatcher): () => void
}
