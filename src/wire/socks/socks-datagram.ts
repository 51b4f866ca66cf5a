import { socksAddress } from '../tunnel/socks-address.ts'
import { readSocksHost, type SocksHost } from './socks-host.ts'

/** What stands before the data of a datagram that a client has sent on: `end` is where the data begins. */
export type SocksDatagram = SocksHost

/** Reads the head of a datagram from a client (RFC 1928 §7); null for what has none, and for fragments, which are not put together (S3). */
export function readSocksDatagram(bytes: Buffer): SocksDatagram | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0 || bytes[2] !== 0) return null
  const target = readSocksHost(bytes, 3)
  return typeof target === 'string' ? null : target
}

/** The head of a datagram to a client: where its data came from. */
export function socksDatagramHead(address: string, port: number): Buffer {
  return Buffer.concat([Buffer.alloc(3), socksAddress(address), Buffer.from([port >> 8, port & 0xff])])
}
