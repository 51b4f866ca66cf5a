import type { TurnpikeError } from '../../core/error.ts'
import type { Exchange } from '../exchange.ts'
import type { Session } from '../session.ts'
import type { ProxyDoor } from './proxy-door.ts'

/** The way into the proxy that serves now: see Doorway. */
export class ProxyDoorway implements ProxyDoor {
  /** Who gets the connections from here on. */
  door: ProxyDoor

  constructor(door: ProxyDoor) {
    this.door = door
  }

  handle(exchange: Exchange): void {
    this.door.handle(exchange)
  }

  refusalOf(session: Session): TurnpikeError | null {
    return this.door.refusalOf(session)
  }

  closed(session: Session): void {
    this.door.closed(session)
  }

  wantsLogin(session: Session): boolean {
    return this.door.wantsLogin(session)
  }

  login(session: Session, username: string, password: string): string | null | Promise<string | null> {
    return this.door.login(session, username, password)
  }
}
