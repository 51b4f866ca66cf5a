import { ipBytes, isIPv4 } from '../core/ip.ts'

/** The first bits of an IPv6 address; the whole of an IPv4 one, also where it is written as ::ffff:a.b.c.d. */
export function addressPrefix(address: string, bits: number): string {
  const bytes = isIPv4(address) ? null : ipBytes(address)
  if (bytes === null) return address
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  if (mapped) return bytes.subarray(12).join('.')
  const whole = bits >> 3
  if (whole < 16) bytes[whole]! &= 0xff00 >> (bits & 7)
  bytes.fill(0, whole + 1)
  return `${Buffer.from(bytes).toString('hex')}/${bits}`
}
