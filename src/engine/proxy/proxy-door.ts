import type { TurnpikeError } from '../../core/error.ts'
import type { Door } from '../services.ts'
import type { Session } from '../session.ts'

/** A door whose clients say where they want to go: what a proxy's connections are led to. */
export interface ProxyDoor extends Door {
  /**
   * Why a connection is not served at all, null where it is: then it counts as its client's until `closed`. Asked once,
   * before anything of it is read.
   */
  refusalOf(session: Session): TurnpikeError | null
  /** A connection that was served is over, with all that was in it. Called once. */
  closed(session: Session): void
  /** Whether a SOCKS client must log in before it asks. */
  wantsLogin(session: Session): boolean
  /** The user whose name and password these are, null for nobody. Rejects with ERR_AUTH_BUSY. */
  login(session: Session, username: string, password: string): string | null | Promise<string | null>
}
