/**
 * Why a datagram is dropped. `unreadable`: a fragment, or none of SOCKS; `stranger`: from another than the client, or
 * than who was sent to; `port`, `rule`, `guard`: not allowed; `parent`: it would go through one; `name`: it has no
 * address; `busy`: more than is kept waiting, or than the client may move; `unsent`: the system did not take it.
 */
export type DropReason = 'unreadable' | 'stranger' | 'port' | 'rule' | 'guard' | 'parent' | 'name' | 'busy' | 'unsent'

/** How many datagrams of an association were dropped, and why. */
export class DroppedDatagrams {
  private readonly byReason = new Map<DropReason, number>()

  /** Says whether it is the first one for that reason. */
  add(reason: DropReason): boolean {
    const before = this.byReason.get(reason) ?? 0
    this.byReason.set(reason, before + 1)
    return before === 0
  }

  /** By reason; null where none was dropped. */
  get counts(): Readonly<Record<string, number>> | null {
    return this.byReason.size === 0 ? null : Object.fromEntries(this.byReason)
  }
}
