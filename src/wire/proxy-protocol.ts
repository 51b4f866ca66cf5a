import { isIPv4, isIPv6 } from 'node:net'

/** One end of the connection that a PROXY protocol header speaks of. For a Unix socket the path, with port 0. */
export interface ProxyEnd {
  address: string
  port: number
}

/** What a PROXY protocol header says. */
export interface ProxyHeader {
  done: true
  /** Size of the header: what follows belongs to the client. */
  bytes: number
  /** The client; null where the sender speaks for itself (LOCAL) or does not know (UNKNOWN, UNSPEC). */
  source: ProxyEnd | null
  destination: ProxyEnd | null
  /** Version 2's type-length-value fields, in order; not interpreted. */
  tlvs: { type: number; value: Buffer }[]
}

export type ProxyReading = { done: false } | ProxyHeader | { fault: string }

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const HEADER_BYTES = 16
/** Bound on what follows the fixed part of version 2. */
const MAX_V2_BYTES = 4096
/** The longest line of version 1, CRLF included, by the specification §2.1. */
const MAX_V1_BYTES = 107
const UNIX_PATH_BYTES = 108
const linePrefix = Buffer.from('PROXY ')
const more: ProxyReading = { done: false }
const portSyntax = /^(?:0|[1-9]\d{0,4})$/

/**
 * Reads a PROXY protocol header, version 1 or 2, from the first bytes of a connection (HAProxy's
 * specification, 2020/03/05). Call it again with all bytes so far while `done` is false; a header
 * is at most 4112 bytes, so that never grows large.
 */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (startsAlike(bytes, signature)) return bytes.length < HEADER_BYTES ? more : readV2(bytes)
  if (startsAlike(bytes, linePrefix)) return readV1(bytes)
  return { fault: 'no PROXY protocol signature' }
}

/** Whether the bytes that are there already agree with the expected ones. */
function startsAlike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length)
  return bytes.compare(expected, 0, length, 0, length) === 0
}

function readV1(bytes: Buffer): ProxyReading {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_V1_BYTES ? more : { fault: 'a version 1 line is longer than 107 bytes' }
  const size = end + 2
  const parts = bytes.toString('latin1', 0, end).split(' ')
  // §2.1: whatever stands after UNKNOWN is ignored.
  if (parts[1] === 'UNKNOWN') return { done: true, bytes: size, source: null, destination: null, tlvs: [] }
  const [, protocol, from, to, fromPort, toPort] = parts
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isPlainIPv6 : null
  if (isAddress === null || parts.length !== 6) return { fault: 'a version 1 line is malformed' }
  const source = readEnd(from!, fromPort!, isAddress)
  const destination = readEnd(to!, toPort!, isAddress)
  if (source === null || destination === null) return { fault: 'a version 1 address or port is malformed' }
  return { done: true, bytes: size, source, destination, tlvs: [] }
}

function readEnd(address: string, port: string, isAddress: (text: string) => boolean): ProxyEnd | null {
  return isAddress(address) && portSyntax.test(port) && Number(port) <= 65_535 ? { address, port: Number(port) } : null
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function readV2(bytes: Buffer): ProxyReading {
  const version = bytes[12]! >> 4
  const command = bytes[12]! & 0x0f
  const family = bytes[13]! >> 4
  const transport = bytes[13]! & 0x0f
  const length = bytes.readUInt16BE(14)
  if (version !== 2 || command > 1) return { fault: 'a version 2 command is unknown' }
  if (family > 3 || transport > 2) return { fault: 'a version 2 address family is unknown' }
  if (length > MAX_V2_BYTES) return { fault: 'a version 2 header is longer than 4096 bytes' }
  const size = HEADER_BYTES + length
  if (bytes.length < size) return more
  // §2.2: with LOCAL, or with a family or transport that is not specified, addresses are skipped.
  const known = command === 1 && family !== 0 && transport !== 0
  const block = bytes.subarray(HEADER_BYTES, size)
  const addressBytes = known ? addressLength(family) : block.length
  if (block.length < addressBytes) return { fault: 'a version 2 header is too short for its addresses' }
  const tlvs = readTlvs(block.subarray(addressBytes))
  if (tlvs === null) return { fault: 'a version 2 field is longer than the header' }
  if (!known) return { done: true, bytes: size, source: null, destination: null, tlvs }
  const [source, destination] = readEnds(block, family)
  return { done: true, bytes: size, source, destination, tlvs }
}

const INET = 1
const INET6 = 2

function addressLength(family: number): number {
  return family === INET ? 12 : family === INET6 ? 36 : UNIX_PATH_BYTES * 2
}

function readEnds(block: Buffer, family: number): [ProxyEnd, ProxyEnd] {
  if (family === INET) {
    const end = (at: number, port: number): ProxyEnd => ({
      address: block.subarray(at, at + 4).join('.'),
      port: block.readUInt16BE(port),
    })
    return [end(0, 8), end(4, 10)]
  }
  if (family === INET6) {
    const end = (at: number, port: number): ProxyEnd => ({
      address: ipv6Text(block, at),
      port: block.readUInt16BE(port),
    })
    return [end(0, 32), end(16, 34)]
  }
  const path = (at: number): ProxyEnd => {
    const bytes = block.subarray(at, at + UNIX_PATH_BYTES)
    // The terminating NUL; an abstract socket's name begins with one.
    const nul = bytes.indexOf(0, 1)
    return { address: bytes.toString('latin1', 0, nul < 0 ? UNIX_PATH_BYTES : nul).replace(/^\0$/, ''), port: 0 }
  }
  return [path(0), path(UNIX_PATH_BYTES)]
}

/** The canonical text of an IPv6 address (RFC 5952 §4); a mapped IPv4 address in dotted form. */
function ipv6Text(block: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => block.readUInt16BE(at + index * 2))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${block.subarray(at + 12, at + 16).join('.')}`
  }
  let longest = { start: 0, length: 0 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > longest.length) longest = { start, length }
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  if (longest.length < 2) return text(0, 8)
  return `${text(0, longest.start)}::${text(longest.start + longest.length, 8)}`
}

function readTlvs(bytes: Buffer): ProxyHeader['tlvs'] | null {
  const tlvs: ProxyHeader['tlvs'] = []
  for (let at = 0; at < bytes.length;) {
    if (at + 3 > bytes.length) return null
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return null
    tlvs.push({ type: bytes[at]!, value: Buffer.from(bytes.subarray(at + 3, end)) })
    at = end
  }
  return tlvs
}
