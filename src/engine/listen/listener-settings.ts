import type { CidrSet } from '../../core/address.ts'
import type { DownstreamSecurity } from '../tls/downstream-security.ts'

/** What may change while a listener stands: it holds for the connections accepted from then on. */
export interface ListenerSettings {
  /** Open connections at most; those above are refused. */
  connections: number
  /**
   * Peers that begin with a PROXY protocol header, which they then must; others are not believed.
   * A peer on a Unix socket counts as named. Null where no peer sends one.
   */
  proxyProtocol: { from: CidrSet; headerMs: number } | null
  /** Null for plain. `passes`: whose TLS is left as it is, by the name in the ClientHello; absent where nobody's is. */
  tls: { security: DownstreamSecurity; handshakeMs: number; passes?: ((sni: string) => boolean) | undefined } | null
}
