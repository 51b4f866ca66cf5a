import { domainToASCII } from 'node:url'
import { ipBytes, isIPv4 } from './ip.ts'

/** What nearly every name is: lower case, ASCII, and no address in disguise, since a label that begins with a letter ends it. */
const plainName = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z](?:[a-z0-9_-]{0,62})$/

const asciiName = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/

/** RFC 1035 §2.3.4, as text. */
const LONGEST_NAME = 253

/**
 * A host as whoever connects would understand it, in the one text that rules and guards know it by (F8): a name in
 * lower case, without its trailing dot, IDNA applied; or an address, an IPv6 one as in RFC 5952 and without brackets,
 * whichever way it was written (`0x7f.1`, `2130706433`, `１２７.1`, `[::ffff:127.0.0.1]` are all `127.0.0.1`).
 * Null for what is no host: an address with a zone too, which means nothing on another machine (RFC 4007 §6).
 */
export function canonicalHost(text: string): string | null {
  const lower = text.toLowerCase()
  if (lower.length <= LONGEST_NAME && (plainName.test(lower) || isIPv4(lower))) return lower
  if (text.length > 1024) return null
  if (text.includes(':')) return canonicalIPv6(text.replace(/^\[(.*)\]$/s, '$1'))
  // What ends the host of a URL, and what a URL is stripped of, must not get as far as its parser.
  if (/[/?#@\\[\]\s\p{Cc}]/u.test(text)) return null
  const name = domainToASCII(text).replace(/\.$/, '')
  return name.length <= LONGEST_NAME && asciiName.test(name) ? name : null
}

function canonicalIPv6(text: string): string | null {
  const bytes = ipBytes(text)
  if (bytes === null) return null
  // RFC 4291 §2.5.5.2: a socket of either family connects to the same place.
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.subarray(12).join('.') : domainToASCII(`[${text}]`).slice(1, -1)
}
