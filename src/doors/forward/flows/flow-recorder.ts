import type { Middleware } from '../../../engine/middleware/middleware.ts'

/** Writes down what passes: requests with their replies, as HAR 1.2. */
export interface FlowRecorder {
  /** Stands next to the handler: sees what leaves, and what comes back, as it is on the wire to the target. */
  readonly middleware: Middleware
  /** Each flow as one JSON text of a HAR entry, once it is over. Call what is returned to hear no more. */
  subscribe(listener: (entry: string) => void): () => void
}
