import { addressPrefix } from './address-prefix.ts'

/** What one customer gets of IPv6 (RFC 6177): its addresses count as one client. */
const IPV6_BITS = 64

/** What limits of a client are kept by. */
export function clientKey(address: string): string {
  return addressPrefix(address, IPV6_BITS)
}
