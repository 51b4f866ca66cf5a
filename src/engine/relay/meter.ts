import type { Exchange } from '../exchange.ts'

/** `up` is from the client to the target. */
export type Direction = 'up' | 'down'

/** Counts what an exchange moves against the share of its client. */
export interface Meter {
  /** Bytes were read from one side of a tunnel. Says for how long to read no more from it, ms; mostly 0. */
  moved(bytes: number, direction: Direction): number
  /** The exchange is over: what it moved of which no `moved` told is in its `bytesIn` and `bytesOut`. */
  ended(exchange: Exchange): void
}
