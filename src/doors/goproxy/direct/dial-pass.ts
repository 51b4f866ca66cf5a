import { randomBytes } from 'node:crypto'
import { TurnpikeError } from '../../../core/error.ts'
import type { AddressGuard } from '../../../engine/dial/address-guard.ts'
import type { ParentRoute } from '../../../engine/dial/parent.ts'

/** What one run of git may connect to, and what came of it: its user name at the `DialProxy`. */
export class DialPass {
  readonly user = randomBytes(12).toString('hex')
  readonly password = randomBytes(24).toString('hex')
  readonly guard: AddressGuard
  /** The parents to go through, null for none. */
  readonly via: ParentRoute | null
  /** Why its last connection could not be made: says more than git does. */
  failure: TurnpikeError | null = null
  private bytesLeft: number
  private readonly connections = new Set<{ destroy(): void }>()
  private closed = false

  /** `maxBytes`: what all of its connections may bring together. */
  constructor(guard: AddressGuard, via: ParentRoute | null, maxBytes: number) {
    this.guard = guard
    this.via = via
    this.bytesLeft = maxBytes
  }

  /** Counts what came; false where that is too much. */
  received(bytes: number): boolean {
    this.bytesLeft -= bytes
    if (this.bytesLeft >= 0) return true
    this.failure = new TurnpikeError('ERR_MODULE_TOO_LARGE', { message: 'The repository is too large to be fetched.' })
    return false
  }

  /** Ends with the pass; at once where that has happened. */
  add(connection: { destroy(): void }): void {
    if (this.closed) connection.destroy()
    else this.connections.add(connection)
  }

  remove(connection: { destroy(): void }): void {
    this.connections.delete(connection)
  }

  /** Ends every connection of it. */
  close(): void {
    this.closed = true
    for (const connection of this.connections) connection.destroy()
  }
}
