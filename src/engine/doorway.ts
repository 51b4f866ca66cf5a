import type { Exchange } from './exchange.ts'
import type { Door } from './services.ts'

/** The way into what serves now: connections live through reloads, what they lead to does not. */
export class Doorway implements Door {
  /** Who gets the exchanges from here on. */
  door: Door

  constructor(door: Door) {
    this.door = door
  }

  handle(exchange: Exchange): void {
    this.door.handle(exchange)
  }
}
