import { TurnpikeError } from '../../core/error.ts'
import { FIELD_STRIDE, type Headers } from '../../core/headers.ts'
import { known } from '../../core/header-names.ts'

/** What a message's connection fields said, before they were taken away. */
export interface ConnectionFields {
  close: boolean
  keepAlive: boolean
  /** Protocol named by `Upgrade`, lower case, '' where `Connection` did not name it. */
  upgrade: string
  trailers: boolean
  /** Which of the forwarding fields came: a bit for each, by its known id. */
  forwarding: number
}

/**
 * Fields that a `Connection` header cannot take away: they frame, route or identify the message
 * (H13; the rest of what it names goes, RFC 9110 §7.6.1).
 */
const kept = new Set([
  'host',
  'content-length',
  'content-type',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'via',
  'authorization',
  'cookie',
  'set-cookie',
  'max-forwards',
  'expect',
  'date',
])

/**
 * The ingress choke point: takes the hop-by-hop fields off a received message, before anything
 * else looks at it, in both directions (RFC 9110 §7.6.1), and says what they asked for.
 */
export function ingress(headers: Headers): ConnectionFields {
  const fields: ConnectionFields = { close: false, keepAlive: false, upgrade: '', trailers: false, forwarding: 0 }
  let upgrade = ''
  let upgradeNamed = false
  for (let at = 0; at < headers.limit; at += FIELD_STRIDE) {
    const id = headers.idAt(at)
    if (id === known.other) continue
    if (id >= known.forwarded && id <= known.xForwardedPort) {
      fields.forwarding |= 1 << id
    } else if (id === known.connection) {
      const value = headers.valueAt(at)
      headers.removeAt(at)
      if (value === 'keep-alive') fields.keepAlive = true
      else if (value === 'close') fields.close = true
      else if (readOptions(headers, value, fields)) upgradeNamed = true
    } else if (id === known.te) {
      if (/(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(headers.valueAt(at))) fields.trailers = true
      headers.removeAt(at)
    } else if (id === known.upgrade) {
      upgrade = upgrade === '' ? headers.valueAt(at).toLowerCase() : `${upgrade}, ${headers.valueAt(at).toLowerCase()}`
      headers.removeAt(at)
    } else if (
      id === known.keepAlive ||
      id === known.proxyConnection ||
      id === known.transferEncoding ||
      id === known.http2Settings
    ) {
      headers.removeAt(at)
    }
  }
  if (upgradeNamed) fields.upgrade = upgrade
  return fields
}

/** Connection options other than the two everyday ones; true where `upgrade` is among them. */
function readOptions(headers: Headers, value: string, fields: ConnectionFields): boolean {
  let upgradeNamed = false
  for (const each of value.split(',')) {
    const option = each.trim().toLowerCase()
    if (option === 'close') fields.close = true
    else if (option === 'keep-alive') fields.keepAlive = true
    else if (option === 'upgrade') upgradeNamed = true
    else if (option !== 'te' && option !== '' && !kept.has(option)) headers.delete(option)
  }
  return upgradeNamed
}

/** Whether a `Via` field names this instance (RFC 9110 §7.6.3). */
export function passedHere(headers: Headers, pseudonym: string): boolean {
  for (let at = headers.find(known.via); at >= 0; at = headers.find(known.via, at + FIELD_STRIDE)) {
    for (const hop of headers.valueAt(at).split(',')) {
      const [, by = ''] = hop.trim().split(/[ \t]+/, 2)
      if (by === pseudonym) return true
    }
  }
  return false
}

/** Host and authority of an absolute-form target (RFC 9112 §3.2.2), or null for another form. */
export function absoluteAuthority(target: string): string | null {
  const match = /^https?:\/\/([^/?#]*)/i.exec(target)
  if (match === null) return null
  const authority = match[1]!
  if (authority === '' || authority.includes('@')) {
    throw new TurnpikeError('ERR_REQUEST_LINE', { message: 'The request target has no usable authority.' })
  }
  return authority
}

/** The host of an authority: lower case, without port and trailing dot, IPv6 in brackets. */
export function hostOf(authority: string): string {
  const end = authority.charCodeAt(0) === 0x5b ? authority.indexOf(']') + 1 : authority.indexOf(':')
  const host = (end > 0 ? authority.slice(0, end) : authority).toLowerCase()
  return host.endsWith('.') ? host.slice(0, -1) : host
}
