import { ipBytes } from '../core/ip.ts'

/** The IPv4 address that bytes to an IPv6 address are carried to by a translator or a tunnel; null for none. */
export function embeddedIPv4(address: string): string | null {
  const bytes = address.includes(':') ? ipBytes(address) : null
  if (bytes === null) return null
  const groups = Buffer.from(bytes)
  // RFC 6052 §2.1 and RFC 8215: NAT64, here with a prefix of 96 bits.
  if (groups.readUInt32BE(0) === 0x64_ff_9b && (groups.readUInt16BE(4) === 1 || isZero(bytes, 4, 12)))
    return quad(bytes, 12)
  // RFC 4291 §2.5.5.1: IPv4-compatible, which nothing should use any more.
  if (isZero(bytes, 0, 12) && groups.readUInt32BE(12) > 1) return quad(bytes, 12)
  // RFC 3056 §2: 6to4
  if (groups.readUInt16BE(0) === 0x2002) return quad(bytes, 2)
  // RFC 4380 §4: Teredo, whose client's address is written inverted
  if (groups.readUInt32BE(0) === 0x2001_0000)
    return quad(
      bytes.map((byte) => byte ^ 0xff),
      12,
    )
  return null
}

function quad(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  return bytes.subarray(from, to).every((byte) => byte === 0)
}
