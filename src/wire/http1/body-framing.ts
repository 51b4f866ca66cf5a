import { known } from '../../core/header-names.ts'
import { FIELD_STRIDE, type Headers } from '../../core/headers.ts'
import { listElements } from './list-elements.ts'

/** How a message says where its body ends. */
export interface BodyFields {
  /** The last and only transfer coding is `chunked`. */
  chunked: boolean
  /** Content-Length, -1 where there is none. */
  contentLength: number
  /** A transfer coding is named, but the last one is not `chunked`. */
  unbounded: boolean
}

/** Why framing fields cannot be trusted. */
export type FramingFault = 'ambiguous' | 'unknown-coding'

/** How the body of a message is found. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

const noFields: BodyFields = { chunked: false, contentLength: -1, unbounded: false }
const chunkedOnly: BodyFields = { chunked: true, contentLength: -1, unbounded: false }
const untilClose: BodyFields = { chunked: false, contentLength: -1, unbounded: true }
const coding = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*;[^,]*)?$/

/** Reads Content-Length and Transfer-Encoding together, by H1–H4; the same for both directions. */
export function readBodyFields(headers: Headers, versionMinor: number): BodyFields | FramingFault {
  let lengthAt = -1
  let codingAt = -1
  for (let at = 0; at < headers.limit; at += FIELD_STRIDE) {
    const id = headers.idAt(at)
    if (id === known.contentLength) {
      // H2: a second field is refused even where it says the same.
      if (lengthAt >= 0) return 'ambiguous'
      lengthAt = at
    } else if (id === known.transferEncoding) {
      codingAt = at
    }
  }
  if (codingAt < 0) {
    if (lengthAt < 0) return noFields
    const contentLength = parseContentLength(headers.valueAt(lengthAt))
    return contentLength < 0 ? 'ambiguous' : { chunked: false, contentLength, unbounded: false }
  }
  // H1, and H3: RFC 9112 §6.1 takes a coding in a 1.0 message for faulty framing.
  if (lengthAt >= 0 || versionMinor === 0) return 'ambiguous'
  return readCodings(headers.getAll('transfer-encoding').join(','))
}

/** Digits alone, up to 2^53-1 (H2); -1 for all else. */
function parseContentLength(text: string): number {
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
    if (length > Number.MAX_SAFE_INTEGER) return -1
  }
  return text.length === 0 ? -1 : length
}

/** The framing of a request's body (RFC 9112 §6.3). */
export function requestFraming(fields: { chunked: boolean; contentLength: number }): Framing {
  if (fields.chunked) return 'chunked'
  return fields.contentLength >= 0 ? 'length' : 'none'
}

/** The framing of a reply's body, which depends on the request's method (RFC 9112 §6.3, H8). */
export function replyFraming(
  method: string,
  status: number,
  fields: { chunked: boolean; contentLength: number },
): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none'
  if (method === 'CONNECT' && status < 300) return 'none'
  if (fields.chunked) return 'chunked'
  return fields.contentLength >= 0 ? 'length' : 'close'
}

function readCodings(list: string): BodyFields | FramingFault {
  const codings = listElements(list)
  // An empty element, a quoted one or a control byte is what two parsers read two ways.
  if (!codings.every((each) => coding.test(each))) return 'ambiguous'
  const last = codings.at(-1)!.toLowerCase()
  if (codings.slice(0, -1).some((each) => nameOf(each) === 'chunked')) return 'ambiguous'
  if (last !== 'chunked') return nameOf(last) === 'chunked' ? 'ambiguous' : untilClose
  return codings.length === 1 ? chunkedOnly : 'unknown-coding'
}

function nameOf(each: string): string {
  return each.split(/[ \t;]/, 1)[0]!.toLowerCase()
}
