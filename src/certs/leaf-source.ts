import type { SecureContext } from 'node:tls'

/** A certificate that was made for one name, with what TLS needs of it. */
export interface Leaf {
  /** Ready for a handshake; its session tickets resume on this name alone (T10). */
  readonly context: SecureContext
  /** PEM: the certificate, followed by the authority's. */
  readonly chain: string
  /** PEM of its private key. */
  readonly key: string
  /** ms since 1970. */
  readonly expiresAt: number
}

/** Makes certificates of a local authority, and keeps them. */
export interface LeafSource {
  /** The leaf for a name or an address without brackets: kept, or made now; the same one for those who ask at once (T6). */
  leafFor(name: string): Leaf
}
