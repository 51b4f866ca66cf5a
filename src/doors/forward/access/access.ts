import type { TurnpikeError } from '../../../core/error.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { Session } from '../../../engine/session.ts'

/** Who may use the proxy, and how much. */
export interface Access {
  /** See `ProxyDoor.refusalOf`: where clients may come from. */
  refusalOf(session: Session): TurnpikeError | null
  closed(session: Session): void
  wantsLogin(session: Session): boolean
  login(session: Session, username: string, password: string): string | null | Promise<string | null>
  /**
   * Sets `exchange.user` and calls `admitted`, at once where it can; or fails the exchange (407, 429). What the
   * exchange then holds of its client's share (connections, bytes, bandwidth) it holds until it has ended.
   * `Proxy-Authorization` is gone from its fields when this returns (F6).
   */
  admit(exchange: Exchange, admitted: () => void): void
}
