/** A host and a port as SOCKS5 names them (RFC 1928 §5), requests and datagrams alike. */
export interface SocksHost {
  /** A name as it came, or an address: IPv4 in its usual text, IPv6 as eight groups. */
  host: string
  port: number
  /** Where it ends in the bytes. */
  end: number
}

const IPV4 = 1
const NAME = 3
const IPV6 = 4
const PORT_BYTES = 2

/**
 * Reads one that begins with its type at `at`. `more`: it is not complete; `type`: it is of none of the three types;
 * `other`: a name without a character.
 */
export function readSocksHost(bytes: Buffer, at: number): SocksHost | 'more' | 'type' | 'other' {
  const type = bytes[at]
  if (type === undefined) return 'more'
  if (type !== IPV4 && type !== NAME && type !== IPV6) return 'type'
  const start = type === NAME ? at + 2 : at + 1
  const length = type === IPV4 ? 4 : type === IPV6 ? 16 : bytes[at + 1]
  if (length === undefined) return 'more'
  if (length === 0) return 'other'
  const portAt = start + length
  const end = portAt + PORT_BYTES
  if (bytes.length < end) return 'more'
  return { host: hostText(bytes, type, start, portAt), port: bytes.readUInt16BE(portAt), end }
}

function hostText(bytes: Buffer, type: number, start: number, end: number): string {
  if (type === NAME) return bytes.latin1Slice(start, end)
  if (type === IPV4) return bytes.subarray(start, end).join('.')
  const groups: string[] = []
  for (let at = start; at < end; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  return groups.join(':')
}
