import type { OpenConnection } from './open-connection.ts'

/** The open connections of a listener, so that all of them can be ended. */
export class ConnectionSet {
  private readonly connections = new Set<OpenConnection>()
  private draining = false
  private wasCut = false
  private drained: (() => void) | null = null;

  [Symbol.iterator](): Iterator<OpenConnection> {
    return this.connections.values()
  }

  get size(): number {
    return this.connections.size
  }

  add(connection: OpenConnection): void {
    this.connections.add(connection)
    if (this.draining) connection.drain()
  }

  /** It is over. */
  remove(connection: OpenConnection): void {
    this.connections.delete(connection)
    if (this.connections.size === 0) this.drained?.()
  }

  /** Closes what is idle. Calls back when none is left. */
  drain(done: () => void): void {
    this.draining = true
    this.drained = done
    for (const connection of this.connections) connection.drain()
    if (this.connections.size === 0) done()
  }

  /** Cuts what is left; says how many that were. */
  cut(): number {
    // Those that were cut before are still here until they are closed.
    const size = this.wasCut ? 0 : this.connections.size
    this.wasCut = true
    for (const connection of this.connections) connection.destroy()
    return size
  }
}
