import { isIPv6 } from 'node:net'

// RFC 3986 §3.2.2: unreserved and sub-delims; percent triplets are looked at apart.
const nameCodes = new Uint8Array(128)
for (const letter of "-._~!$&'()*+,;=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  nameCodes[letter.charCodeAt(0)] = 1
}
const hexPair = /^[0-9A-Fa-f]{2}$/
const COLON = 0x3a
const PERCENT = 0x25
const MAX_PORT = 65_535

/**
 * Whether text is `uri-host [":" port]` with a host that is not empty (RFC 9110 §7.2): a name, an
 * IPv4 address or an IPv6 address in brackets; no user information. The port may be empty.
 */
export function isAuthority(text: string): boolean {
  const hostEnd = text.charCodeAt(0) === 0x5b ? addressEnd(text) : nameEnd(text)
  return hostEnd > 0 && (hostEnd === text.length || (text.charCodeAt(hostEnd) === COLON && isPort(text, hostEnd + 1)))
}

/** Where a name ends, or -1 where it is malformed. */
function nameEnd(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 128 && nameCodes[code] === 1) continue
    if (code === COLON) return at
    if (code !== PERCENT || !hexPair.test(text.slice(at + 1, at + 3))) return -1
    at += 2
  }
  return text.length
}

/** Where the brackets of an IPv6 address end, or -1. Zones have no place in a URI authority here. */
function addressEnd(text: string): number {
  const close = text.indexOf(']')
  const address = text.slice(1, close)
  return close > 0 && !address.includes('%') && isIPv6(address) ? close + 1 : -1
}

function isPort(text: string, start: number): boolean {
  let port = 0
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
    if (port > MAX_PORT) return false
  }
  return true
}
