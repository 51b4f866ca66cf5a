import { CidrSet } from '../core/address.ts'
import { ipBytes } from '../core/ip.ts'

/** IANA's special-purpose registry (RFC 6890), of IPv4 what is not globally reachable, and what clouds put into public space. */
const specialIPv4 = new CidrSet([
  '0.0.0.0/8', // RFC 791: this network
  '10.0.0.0/8', // RFC 1918
  '100.64.0.0/10', // RFC 6598: shared by carriers; a cloud has its metadata here
  '127.0.0.0/8', // RFC 1122: loopback
  '169.254.0.0/16', // RFC 3927: link-local, metadata services
  '172.16.0.0/12', // RFC 1918
  '192.0.0.0/24', // RFC 6890: protocol assignments, a metadata service
  '192.0.2.0/24', // RFC 5737: documentation
  '192.88.99.0/24', // RFC 7526: 6to4 relays
  '192.168.0.0/16', // RFC 1918
  '198.18.0.0/15', // RFC 2544: benchmarks
  '198.51.100.0/24', // RFC 5737
  '203.0.113.0/24', // RFC 5737
  '224.0.0.0/4', // RFC 5771: multicast
  '240.0.0.0/4', // RFC 1112: reserved, and the broadcast address
  '168.63.129.16/32', // Azure's own services for a machine, metadata among them
])

/** RFC 4291 §2.4: of IPv6 only this is global unicast; loopback, ULA, link-local and multicast are outside. */
const globalIPv6 = new CidrSet(['2000::/3'])

const specialIPv6 = new CidrSet([
  '2001::/23', // RFC 2928: protocol assignments, Teredo (RFC 4380) among them
  '2001:db8::/32', // RFC 3849: documentation
  '2002::/16', // RFC 3056: 6to4, any IPv4 address behind it
  '3fff::/20', // RFC 9637: documentation
])

/** RFC 6052 §2.1: the IPv4 address that a translator connects to is in the last four bytes. */
const translated = new CidrSet(['64:ff9b::/96'])
const mapped = new CidrSet(['0.0.0.0/0'])

/** Allows public addresses, and the ranges that were allowed besides (F8). */
export class PublicAddresses {
  readonly key: string
  private readonly allow: CidrSet

  constructor(allow: CidrSet) {
    this.allow = allow
    this.key = `public ${allow.toJSON().join(' ')}`
  }

  /** `address` as a resolver gives it; what is no address is not allowed. */
  allows(address: string): boolean {
    const zone = address.indexOf('%')
    const bare = zone < 0 ? address : address.slice(0, zone)
    return this.allow.has(bare) || isPublic(bare)
  }
}

function isPublic(address: string): boolean {
  const bytes = ipBytes(address)
  if (bytes === null) return false
  // IPv4, and IPv6 that a dual-stack socket turns into it (RFC 4291 §2.5.5.2).
  if (mapped.has(address)) return !specialIPv4.has(address)
  if (translated.has(address)) return !specialIPv4.has(bytes.subarray(12).join('.'))
  return globalIPv6.has(address) && !specialIPv6.has(address)
}
