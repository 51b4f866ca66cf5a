/** What a SOCKS client has sent so far, read as far as it goes. */
export type SocksStep<T> = { kind: 'more' } | { kind: 'bad' } | { kind: 'read'; value: T; length: number }

const more = { kind: 'more' } as const
const bad = { kind: 'bad' } as const

/** RFC 1928 §3: the greeting; `value` says whether it offers a user name and a password (RFC 1929). */
export function readGreeting(bytes: Buffer): SocksStep<boolean> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return more
  const length = 2 + bytes[1]!
  return { kind: 'read', value: bytes.subarray(2, length).includes(2), length }
}

/** RFC 1929 §2: user name and password. */
export function readLogin(bytes: Buffer): SocksStep<{ user: string; password: string }> {
  if (bytes.length > 0 && bytes[0] !== 1) return bad
  if (bytes.length < 2) return more
  const userEnd = 2 + bytes[1]!
  if (bytes.length < userEnd + 1) return more
  const length = userEnd + 1 + bytes[userEnd]!
  if (bytes.length < length) return more
  const user = bytes.latin1Slice(2, userEnd)
  return { kind: 'read', value: { user, password: bytes.latin1Slice(userEnd + 1, length) }, length }
}

/** RFC 1928 §4: where to. Only CONNECT, to a name or an address. */
export function readConnect(bytes: Buffer): SocksStep<{ host: string; port: number }> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad
  if (bytes.length < 5) return more
  const [, command, , type] = bytes
  if (command !== 1) return bad
  const [from, hostLength] = type === 1 ? [4, 4] : type === 4 ? [4, 16] : [5, bytes[4]!]
  if (type !== 1 && type !== 3 && type !== 4) return bad
  const end = from + hostLength
  if (bytes.length < end + 2) return more
  const host = hostText(bytes.subarray(from, end), type)
  return { kind: 'read', value: { host, port: bytes.readUInt16BE(end) }, length: end + 2 }
}

function hostText(bytes: Buffer, type: 1 | 3 | 4): string {
  if (type === 3) return bytes.toString('latin1')
  if (type === 1) return bytes.join('.')
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':')
}
