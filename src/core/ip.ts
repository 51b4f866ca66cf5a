/**
 * The sixteen bytes of an address, an IPv4 one as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2); null for what is
 * no address. No zone, no prefix length, no leading zeros in IPv4 (`010` is eight to some readers).
 */
export function ipBytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16)
  if (!text.includes(':')) {
    const quad = quadBytes(text)
    if (quad === null) return null
    bytes.set([0xff, 0xff, ...quad], 10)
    return bytes
  }
  const [head, tail, ...more] = text.split('::')
  if (more.length > 0) return null
  const before = groupBytes(head!, tail === undefined)
  const after = groupBytes(tail ?? '', true)
  if (before === null || after === null) return null
  const length = before.length + after.length
  // RFC 4291 §2.2: `::` stands for one or more groups.
  if (tail === undefined ? length !== 16 : length > 14) return null
  bytes.set(before, 0)
  bytes.set(after, 16 - after.length)
  return bytes
}

export function isIPv4(text: string): boolean {
  return quadBytes(text) !== null
}

export function isIPv6(text: string): boolean {
  return text.includes(':') && ipBytes(text) !== null
}

/** Every connection and every dial asks this: one pass over the characters, a fifth of what an expression and a split take. */
function quadBytes(text: string): [number, number, number, number] | null {
  if (text.length > LONGEST_QUAD) return null
  const bytes: [number, number, number, number] = [0, 0, 0, 0]
  let group = 0
  let digits = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO
    if (digit === DOT && digits > 0 && group < 3) {
      group++
      digits = 0
    } else if (digit >= 0 && digit <= 9 && (digits === 0 || bytes[group] !== 0)) {
      bytes[group] = bytes[group]! * 10 + digit
      if (bytes[group]! > 255) return null
      digits++
    } else {
      return null
    }
  }
  return group === 3 && digits > 0 ? bytes : null
}

const LONGEST_QUAD = '255.255.255.255'.length
const ZERO = 0x30
/** From there. */
const DOT = 0x2e - ZERO

/** Bytes of groups between colons; the last of an address may be a dotted quad. */
function groupBytes(text: string, last: boolean): number[] | null {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    if (last && index === groups.length - 1 && group.includes('.')) {
      const quad = quadBytes(group)
      if (quad === null) return null
      bytes.push(...quad)
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return null
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes
}
