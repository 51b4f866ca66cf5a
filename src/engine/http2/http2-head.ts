import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { isAuthority } from '../../wire/http1/authority.ts'
import type { HeadLimits } from '../../wire/http1/head-parser.ts'
import { receivedFields } from '../../wire/http2/fields.ts'

/** The head of an HTTP/2 request, held to everything that an HTTP/1 head is held to. */
export interface Http2Head {
  method: string
  /** Path and query, `*`, or the authority of CONNECT. */
  target: string
  scheme: string
  /** Host and port, from `:authority`, else from `Host`. */
  authority: string
  /** `Host` first, where there is one; cookies in one field. */
  headers: Headers
  /** -1 where there is no Content-Length. */
  contentLength: number
}

const methodSyntax = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const nameSyntax = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const valueSyntax = /^[\t\x20-\x7e\x80-\xff]*$/
/** As in an HTTP/1 request line: no blank, no control byte, no fragment. */
const targetSyntax = /^[^\0-\x20\x7f#]+$/
const lengthSyntax = /^\d{1,16}$/
/** RFC 9113 §8.2.2 */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])
/** A name, a value, and what stands around them in HTTP/1. */
const FIELD_BYTES = 4

/**
 * Reads names and values in turn, as the codec gives them. Nothing that would be another message in
 * HTTP/1 passes. Throws ERR_REQUEST_LINE, ERR_HEADER_SYNTAX, ERR_HOST, ERR_FRAMING, ERR_HEAD_TOO_LARGE
 * and ERR_TARGET_TOO_LONG.
 */
export function readHttp2Head(raw: readonly string[], limits: HeadLimits): Http2Head {
  const pseudo: Pseudo = { ':method': null, ':scheme': null, ':authority': null, ':path': null }
  const fields: string[] = []
  const cookies: string[] = []
  let host: string | null = null
  let contentLength = -1
  let bytes = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    bytes += name.length + value.length + FIELD_BYTES
    if (!valueSyntax.test(value)) throw malformed(`The header field ${JSON.stringify(name)} has a malformed value.`)
    if (isPseudo(name, pseudo)) {
      // RFC 9113 §8.3: each once, before all others.
      if (pseudo[name] !== null || fields.length > 0) throw malformed('The pseudo-fields are malformed.')
      pseudo[name] = value
    } else if (!nameSyntax.test(name)) throw malformed(`The header field ${JSON.stringify(name)} is malformed.`)
    else if (connectionFields.has(name) || (name === 'te' && value.trim().toLowerCase() !== 'trailers')) {
      throw malformed(`HTTP/2 has no header field ${JSON.stringify(name)} with that value.`)
    } else if (name === 'host') {
      if (host !== null) throw new TurnpikeError('ERR_HOST')
      host = value.trim()
    } else if (name === 'cookie') cookies.push(value)
    else {
      if (name === 'content-length') {
        // H2: what two readers may understand differently.
        if (contentLength >= 0 || !lengthSyntax.test(value.trim()) || !Number.isSafeInteger(Number(value)))
          throw new TurnpikeError('ERR_FRAMING')
        contentLength = Number(value)
      }
      fields.push(name, value)
    }
  }
  if (bytes > limits.headBytes || raw.length > limits.headerCount * 2 + Object.keys(pseudo).length * 2)
    throw new TurnpikeError('ERR_HEAD_TOO_LARGE')
  const authority = authorityOf(pseudo[':authority'], host)
  // RFC 9113 §8.2.3: crumbs are one field again before anything but HTTP/2 sees them.
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '))
  return {
    ...requestLine(pseudo, authority, limits),
    authority,
    headers: receivedFields(['host', authority, ...fields]),
    contentLength,
  }
}

/** Whether a field, its name in lower case, reads the same in every HTTP version. */
export function isField(name: string, value: string): boolean {
  return nameSyntax.test(name) && valueSyntax.test(value)
}

interface Pseudo {
  ':method': string | null
  ':scheme': string | null
  ':authority': string | null
  ':path': string | null
}

function isPseudo(name: string, pseudo: Pseudo): name is keyof Pseudo {
  return name in pseudo && name.startsWith(':')
}

/** RFC 9113 §8.3.1: both may come, and must then say the same. */
function authorityOf(authority: string | null, host: string | null): string {
  if (authority !== null && host !== null && authority.toLowerCase() !== host.toLowerCase()) {
    throw new TurnpikeError('ERR_HOST', { message: 'Host and :authority differ.' })
  }
  const named = authority ?? host ?? ''
  if (!isAuthority(named)) throw new TurnpikeError('ERR_HOST')
  return named
}

function requestLine(
  pseudo: Pseudo,
  authority: string,
  limits: HeadLimits,
): Pick<Http2Head, 'method' | 'target' | 'scheme'> {
  const { ':method': method, ':scheme': scheme, ':path': path } = pseudo
  if (method === null || !methodSyntax.test(method)) throw badLine('The method is missing or malformed.')
  if (method === 'CONNECT') {
    // RFC 9113 §8.5
    if (scheme !== null || path !== null || !/:\d+$/.test(authority)) throw badLine('The CONNECT request is malformed.')
    return { method, target: authority, scheme: '' }
  }
  if (scheme !== 'http' && scheme !== 'https') throw badLine('The scheme is not http or https.')
  if (path === null) throw badLine('The path is missing.')
  if (path.length > limits.targetBytes) throw new TurnpikeError('ERR_TARGET_TOO_LONG')
  const isPath = path.startsWith('/') || (path === '*' && method === 'OPTIONS')
  if (!isPath || !targetSyntax.test(path)) throw badLine('The path is malformed.')
  return { method, target: path, scheme }
}

function badLine(message: string): TurnpikeError {
  return new TurnpikeError('ERR_REQUEST_LINE', { message })
}

function malformed(message: string): TurnpikeError {
  return new TurnpikeError('ERR_HEADER_SYNTAX', { message })
}
