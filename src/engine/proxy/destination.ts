import type { ClientHello } from '../../wire/client-hello.ts'

/**
 * How a destination was named: by CONNECT, by SOCKS, by `UDP ASSOCIATE`, by the ClientHello of raw TLS, or by where the
 * connection was going when the system took it.
 */
export type DestinationKind = 'connect' | 'socks4' | 'socks5' | 'udp' | 'sni' | 'captured'

/** Where a client of a proxy wants bytes to go. */
export interface Destination {
  readonly kind: DestinationKind
  /** A name (lower case, no trailing dot), or an address in its canonical text, without brackets. */
  readonly host: string
  readonly port: number
  /** The address that a captured connection was going to, where `host` is the name in its ClientHello; else null. */
  readonly address: string | null
  /** The ClientHello, where it was read before the destination was known; else null. */
  readonly hello: ClientHello | null
}
