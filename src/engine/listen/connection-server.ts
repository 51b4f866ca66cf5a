import type { Session } from '../session.ts'
import type { Socket } from '../world.ts'

/** Serves the connections of one listener. */
export interface ConnectionServer {
  /** How many are open. */
  readonly size: number
  /** Serves a connection until it is over. */
  accept(socket: Socket, session: Session): void
  /** The next replies say that their connections close with them. */
  announceEnd(): void
  /** Closes what is idle, and the rest as it comes free. Calls back when none is left. */
  drain(done: () => void): void
  /** Cuts what is left; says how many that were. */
  cut(): number
}
