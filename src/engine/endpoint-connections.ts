import type { AttemptWatcher } from './attempt-watcher.ts'
import type { Exchange } from './exchange.ts'

/** The connections to one endpoint, whatever protocol they speak. */
export interface EndpointConnections {
  readonly counts: { idle: number; busy: number; dialling: number; waiting: number }
  /** Sends an exchange on a connection that is free, a new one, or the first that comes free. `fresh`: not on a used one. */
  send(exchange: Exchange, watcher: AttemptWatcher, fresh: boolean): void
  /** Closes what is idle now and the rest when it comes back. */
  close(): void
}
