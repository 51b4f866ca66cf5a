import { ipBytes, isIPv4 } from '../../core/ip.ts'

export const SOCKS4 = 4

/** What a SOCKS4 client may ask for and is answered. */
export const socks4Commands = { connect: 1 } as const
export const socks4Codes = { granted: 90, failed: 91 } as const

export interface Socks4Request {
  command: number
  /** An IPv4 address; a name as it came, where the client has it resolved here (SOCKS4A). */
  host: string
  port: number
  end: number
}

const HEAD_BYTES = 8
const MAX_TEXT = 255

/** Reads a request; whom the client names as its user counts for nothing. `other`: the user or the name is too long. */
export function readSocks4Request(bytes: Buffer): Socks4Request | 'more' | 'other' {
  if (bytes.length < HEAD_BYTES) return 'more'
  const userEnd = textEnd(bytes, HEAD_BYTES)
  if (typeof userEnd === 'string') return userEnd
  const request = { command: bytes[1]!, port: bytes.readUInt16BE(2) }
  // SOCKS4A: an address of 0.0.0.x, x not 0, says that a name follows the user.
  const isNamed = bytes.readUIntBE(4, 3) === 0 && bytes[7] !== 0
  if (!isNamed) return { ...request, host: bytes.subarray(4, HEAD_BYTES).join('.'), end: userEnd + 1 }
  const nameEnd = textEnd(bytes, userEnd + 1)
  if (typeof nameEnd === 'string') return nameEnd
  if (nameEnd === userEnd + 1) return 'other'
  return { ...request, host: bytes.latin1Slice(userEnd + 1, nameEnd), end: nameEnd + 1 }
}

/** A reply; it has room for an IPv4 address alone. */
export function socks4Reply(code: number, bound: { address: string; port: number } | null): Buffer {
  const { address, port } = bound !== null && isIPv4(bound.address) ? bound : { address: '0.0.0.0', port: 0 }
  return Buffer.concat([Buffer.from([0, code, port >> 8, port & 0xff]), ipBytes(address)!.subarray(12)])
}

/** Where the NUL is that ends a text. */
function textEnd(bytes: Buffer, start: number): number | 'more' | 'other' {
  const end = bytes.indexOf(0, start)
  if (end >= 0 && end - start <= MAX_TEXT) return end
  return end < 0 && bytes.length - start <= MAX_TEXT ? 'more' : 'other'
}
