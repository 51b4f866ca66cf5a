import type { ParentRoute } from '../../../engine/dial/parent.ts'

/** What rules are asked about: one plain request, or one tunnel. */
export interface Asked {
  /** A name (lower case, no trailing dot), or an address without brackets. */
  host: string
  port: number
  /** Its addresses, where a rule asks for them: see `RuleTable.wantsAddresses`; else none. */
  addresses: readonly string[]
  /**
   * The name in its ClientHello: '' for a hello without one, and for bytes that are none; null before it was read.
   * Plain requests have ''.
   */
  sni: string | null
  /** '' for nobody. */
  user: string
  clientAddress: string
  /** ms since 1970. */
  wallMs: number
}

/** What becomes of it. */
export interface Verdict {
  /** Index of the rule that matched, -1 for the default. */
  rule: number
  /** What logs call it: the rule's name, `rule 3`, or `default`. */
  name: string
  deny: boolean
  /** The parents to go through, null for none. */
  via: ParentRoute | null
  /** Reached in place of what was asked for; null: what was asked for. */
  redirectTo: { host: string; port: number } | null
  /** TLS in the tunnel is ended here and begun anew. */
  intercept: boolean
  /** The ClientHello must be read, and the rules asked again with it, before the tunnel may pass: another rule could match then. */
  needsHello: boolean
}

/**
 * Asks the rules about a tunnel again, with the name in its ClientHello: '' for a hello without one, and for bytes that
 * are none. Throws why it is refused: ERR_RULE_DENIED, ERR_SNI_MISMATCH (T4).
 */
export type Redecide = (sni: string) => Verdict
