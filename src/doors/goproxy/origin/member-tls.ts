import { machineAuthorities } from '../../../engine/tls/machine-authorities.ts'
import type { UpstreamSecurity } from '../../../engine/tls/upstream-security.ts'
import { UpstreamTls } from '../../../engine/tls/upstream-tls.ts'
import type { MemberConfig } from '../config.ts'

/** TLS towards a member, and towards others that it redirects to, who are shown no client certificate. */
export interface MemberTls {
  member: UpstreamSecurity
  others: UpstreamSecurity
}

/** Throws ERR_CONFIG_INVALID where the key is not the certificate's. */
export function memberTls({ ca, cert, key, minVersion }: MemberConfig['tls']): MemberTls {
  const common = { ca: ca?.text ?? machineAuthorities(), minVersion, verify: true } as const
  const others = new UpstreamTls(common)
  if (cert === undefined || key === undefined) return { member: others, others }
  return { member: new UpstreamTls({ ...common, cert: cert.text, key: key.text }), others }
}
