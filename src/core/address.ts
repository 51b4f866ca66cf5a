import { ipBytes, isIPv4, isIPv6 } from './ip.ts'

/** Where to listen: a TCP port on one address, on every address (host ''), or a Unix socket. */
export type ListenAddress = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`. Throws a RangeError that says what is wrong. */
export function parseAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/') || path.includes('\0'))
      throw new RangeError(`${JSON.stringify(text)} needs an absolute path, as in unix:/run/x.sock`)
    return { kind: 'unix', path }
  }
  const [, host, digits] = /^(.*):(\d{1,5})$/s.exec(text) ?? []
  if (host === undefined || digits === undefined)
    throw new RangeError(`${JSON.stringify(text)} is not an address: ${forms}`)
  const port = Number(digits)
  if (port > 65_535) throw new RangeError(`${digits} is not a port: the largest is 65535`)
  if (host === '') return { kind: 'tcp', host, port }
  if (host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1)))
    return { kind: 'tcp', host: host.slice(1, -1), port }
  if (isIPv4(host)) return { kind: 'tcp', host, port }
  if (isIPv6(host)) throw new RangeError(`${JSON.stringify(text)} needs brackets: [${host}]:${digits}`)
  throw new RangeError(`${JSON.stringify(host)} is not an IP address: ${forms}`)
}

const forms = 'write :8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/x.sock'

/** The address as a config writes it. */
export function formatAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true
  return loopback.has(address.host)
}

/** A range of addresses: `10.0.0.0/8`, `::1/128`, or one address. */
interface Range {
  text: string
  bytes: Uint8Array
  bits: number
}

/**
 * Addresses in CIDR notation. An IPv4 address and its IPv6-mapped form (`::ffff:10.0.0.1`, which a
 * dual-stack socket reports) are the same.
 */
export class CidrSet {
  private readonly ranges: readonly Range[]

  /** Throws a RangeError for a text that is no range. */
  constructor(texts: readonly string[]) {
    this.ranges = texts.map(parseRange)
  }

  get size(): number {
    return this.ranges.length
  }

  /** Whether an address stands in one of the ranges; false for what is no address. */
  has(address: string): boolean {
    if (this.ranges.length === 0) return false
    const zone = address.indexOf('%')
    const bytes = ipBytes(zone < 0 ? address : address.slice(0, zone))
    return bytes !== null && this.ranges.some((range) => startsAlike(bytes, range.bytes, range.bits))
  }

  toJSON(): string[] {
    return this.ranges.map((range) => range.text)
  }
}

function parseRange(text: string): Range {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const bytes = ipBytes(address)
  if (bytes === null)
    throw new RangeError(`${JSON.stringify(text)} is not an address range: write it as in 10.0.0.0/8 or ::1/128`)
  const width = isIPv4(address) ? 32 : 128
  const digits = slash < 0 ? String(width) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > width)
    throw new RangeError(`${JSON.stringify(text)} has a prefix length outside 0 to ${width}`)
  const bits = Number(digits) + 128 - width
  const masked = bytes.map((byte, index) => byte & prefixMask(bits - index * 8))
  if (masked.some((byte, index) => byte !== bytes[index])) {
    throw new RangeError(`${JSON.stringify(text)} has bits set behind its prefix: is the address or the length wrong?`)
  }
  return { text, bytes, bits }
}

function prefixMask(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff
}

function startsAlike(left: Uint8Array, right: Uint8Array, bits: number): boolean {
  for (let index = 0; index * 8 < bits; index++) {
    if (((left[index]! ^ right[index]!) & prefixMask(bits - index * 8)) !== 0) return false
  }
  return true
}

const loopback = new CidrSet(['127.0.0.0/8', '::1/128'])
