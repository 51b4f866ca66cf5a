/**
 * Fields that Turnpike itself acts on. A parser recognises them by length and bytes while it
 * scans, so that asking for one later compares integers.
 */
export const known = {
  other: 0,
  host: 1,
  connection: 2,
  keepAlive: 3,
  proxyConnection: 4,
  te: 5,
  trailer: 6,
  transferEncoding: 7,
  upgrade: 8,
  contentLength: 9,
  expect: 10,
  via: 11,
  date: 12,
  maxForwards: 13,
  userAgent: 14,
  forwarded: 15,
  xForwardedFor: 16,
  xForwardedProto: 17,
  xForwardedHost: 18,
  xForwardedPort: 19,
  contentType: 20,
  http2Settings: 21,
  proxyAuthenticate: 22,
  proxyAuthorization: 23,
  location: 24,
  allow: 25,
} as const

export type KnownHeader = (typeof known)[keyof typeof known]

const names: readonly [string, KnownHeader][] = [
  ['host', known.host],
  ['connection', known.connection],
  ['keep-alive', known.keepAlive],
  ['proxy-connection', known.proxyConnection],
  ['te', known.te],
  ['trailer', known.trailer],
  ['transfer-encoding', known.transferEncoding],
  ['upgrade', known.upgrade],
  ['content-length', known.contentLength],
  ['expect', known.expect],
  ['via', known.via],
  ['date', known.date],
  ['max-forwards', known.maxForwards],
  ['user-agent', known.userAgent],
  ['forwarded', known.forwarded],
  ['x-forwarded-for', known.xForwardedFor],
  ['x-forwarded-proto', known.xForwardedProto],
  ['x-forwarded-host', known.xForwardedHost],
  ['x-forwarded-port', known.xForwardedPort],
  ['content-type', known.contentType],
  ['http2-settings', known.http2Settings],
  ['proxy-authenticate', known.proxyAuthenticate],
  ['proxy-authorization', known.proxyAuthorization],
  ['location', known.location],
  ['allow', known.allow],
]

const idByName = new Map<string, KnownHeader>(names)

/**
 * Names by length and first letter, each as lower-case bytes: what a byte scan compares with.
 * Most names of a request are none of these and fall out at the first look (10 ns less a name).
 */
const bySlot: ({ bytes: Uint8Array; id: KnownHeader }[] | null)[] = Array.from({ length: 32 * 32 }, () => null)
for (const [name, id] of names) {
  const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0))
  ;(bySlot[slotOf(bytes[0]!, name.length)] ??= []).push({ bytes, id })
}

/** The id of a lower-case name, or `known.other`. */
export function knownByName(name: string): KnownHeader {
  return idByName.get(name) ?? known.other
}

/** The id of the name at `start` of `length` bytes in any case, or `known.other`. */
export function knownByBytes(bytes: Uint8Array, start: number, length: number): KnownHeader {
  if (length > 31) return known.other
  const candidates = bySlot[slotOf(bytes[start]!, length)]!
  if (candidates === null) return known.other
  next: for (let index = 0; index < candidates.length; index++) {
    const { bytes: wanted, id } = candidates[index]!
    for (let at = 0; at < length; at++) if ((bytes[start + at]! | 0x20) !== wanted[at]) continue next
    return id
  }
  return known.other
}

function slotOf(first: number, length: number): number {
  return (length << 5) | (first & 31)
}
