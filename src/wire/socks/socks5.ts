import { socksAddress } from '../tunnel/socks-address.ts'
import { readSocksHost, type SocksHost } from './socks-host.ts'

export const SOCKS5 = 5

/** How a client may log in (RFC 1928 §3). */
export const socks5Methods = { none: 0, password: 2, unacceptable: 0xff } as const

/** What it may ask for (RFC 1928 §4). */
export const socks5Commands = { connect: 1, udpAssociate: 3 } as const

/** What it is answered (RFC 1928 §6). */
export const socks5Codes = {
  granted: 0,
  failed: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  expired: 6,
  command: 7,
  addressType: 8,
} as const

export interface Socks5Greeting {
  methods: readonly number[]
  end: number
}

export interface Socks5Login {
  username: string
  password: string
  end: number
}

export interface Socks5Request extends SocksHost {
  /** One of `socks5Commands`, or any other. */
  command: number
}

/** Reads what a client says first. `other`: it is of another version. */
export function readSocks5Greeting(bytes: Buffer): Socks5Greeting | 'more' | 'other' {
  if (bytes.length > 0 && bytes[0] !== SOCKS5) return 'other'
  const end = 2 + (bytes[1] ?? 0)
  return bytes.length < 2 || bytes.length < end ? 'more' : { methods: [...bytes.subarray(2, end)], end }
}

/** Reads user name and password (RFC 1929 §2). `other`: it is of another version. */
export function readSocks5Login(bytes: Buffer): Socks5Login | 'more' | 'other' {
  if (bytes.length > 0 && bytes[0] !== 1) return 'other'
  const nameEnd = 2 + (bytes[1] ?? 0)
  const end = nameEnd + 1 + (bytes[nameEnd] ?? 0)
  if (bytes.length <= nameEnd || bytes.length < end) return 'more'
  return { username: bytes.toString('utf8', 2, nameEnd), password: bytes.toString('utf8', nameEnd + 1, end), end }
}

/** Reads a request (RFC 1928 §4). `type`: its address has no known type; `other`: it is no request. */
export function readSocks5Request(bytes: Buffer): Socks5Request | 'more' | 'type' | 'other' {
  if (bytes.length > 0 && bytes[0] !== SOCKS5) return 'other'
  const target = readSocksHost(bytes, 3)
  return typeof target === 'string' ? target : { ...target, command: bytes[1]! }
}

/** A reply (RFC 1928 §6). `bound`: an address and a port of this machine, null where there is none to tell. */
export function socks5Reply(code: number, bound: { address: string; port: number } | null): Buffer {
  const { address, port } = bound ?? { address: '0.0.0.0', port: 0 }
  return Buffer.concat([Buffer.from([SOCKS5, code, 0]), socksAddress(address), Buffer.from([port >> 8, port & 0xff])])
}
