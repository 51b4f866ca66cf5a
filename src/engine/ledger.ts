/** What is counted: everything that is created and must be released. */
export const ledgerKinds = [
  'listeners',
  'clientSockets',
  'upstreamSockets',
  'upstreamStreams',
  'datagramSockets',
  'exchanges',
  'tunnels',
  'dials',
  'probes',
  'poolWaiters',
  'queuedExchanges',
  'timers',
  'tasks',
  'scopes',
  'sharedStates',
  'generations',
  'logFiles',
  'flowFiles',
  'watches',
  'workers',
  'codecs',
  'mirrors',
  'ownRequests',
  'processes',
  'modules',
  'stagedFiles',
  'openZips',
  'storeLocks',
] as const

export type LedgerKind = (typeof ledgerKinds)[number]

// Object.fromEntries forgets its keys.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const slot = Object.fromEntries(ledgerKinds.map((kind, index) => [kind, index])) as Record<LedgerKind, number>

/** Every live thing is entered on creation and struck on release: a leak is a count that does not return. */
export class Ledger {
  private readonly live = new Int32Array(ledgerKinds.length)
  private readonly ever = new Float64Array(ledgerKinds.length)

  enter(kind: LedgerKind): void {
    const at = slot[kind]
    this.live[at]!++
    this.ever[at]!++
  }

  strike(kind: LedgerKind): void {
    this.live[slot[kind]]!--
  }

  /** How many are alive now. */
  count(kind: LedgerKind): number {
    return this.live[slot[kind]]!
  }

  /** Alive now and ever created, by kind. */
  snapshot(): Record<LedgerKind, { live: number; total: number }> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return Object.fromEntries(
      ledgerKinds.map((kind, at) => [kind, { live: this.live[at]!, total: this.ever[at]! }]),
    ) as Record<LedgerKind, { live: number; total: number }>
  }
}
