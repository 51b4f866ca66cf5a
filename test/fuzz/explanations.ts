import { METHODS } from 'node:http'
import type { Difference } from './difference.ts'

interface Explanation {
  name: string
  kind: Difference['kind']
  /** Turnpike's code, for what it refuses. */
  code?: string
  /** Whether the bytes show that this is the reason; written apart from the parser. */
  holds: (rest: string, difference: Difference) => boolean
}

/** Every way in which Turnpike's request parser is known to differ from Node's, and why it does. */
export const explanations: Explanation[] = [
  {
    name: 'H9 one CRLF before a request is passed over; llhttp passes over any number of CR and LF',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    holds: (rest) => /^(?:\r\n)?(?:\n|\r(?!\n)|\r\n)/.test(rest) && !/^\r\n[^\r\n]/.test(rest),
  },
  {
    name: 'H9 single blanks in the request line; llhttp takes several before the version',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    holds: (rest) => requestLine(rest).split(' ').length > 3,
  },
  {
    name: 'H9 a version is there; llhttp takes none for HTTP/0.9, and reads fields all the same',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    holds: (rest) => !/ HTTP\/\d\.\d$/.test(requestLine(rest).split('\n', 1)[0]!),
  },
  {
    name: 'H9 the target has one of the four forms and no fragment; llhttp checks its characters only',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    holds: (rest) => !/^[^ ]+ \/[^# ]* /.test(requestLine(rest)) || requestLine(rest).startsWith('CONNECT '),
  },
  {
    name: 'H9 HTTP/1 alone; llhttp takes 0.9 and 2.0 too',
    kind: 'stricter',
    code: 'ERR_HTTP_VERSION',
    holds: (rest) => /HTTP\/(?:0\.9|2\.0)$/.test(requestLine(rest)),
  },
  {
    name: 'H10 one valid Host; llhttp leaves that to its user',
    kind: 'stricter',
    code: 'ERR_HOST',
    holds: (rest) => {
      const hosts = [...head(rest).matchAll(/^host:[ \t]*(.*?)[ \t]*\r$/gim)].map((match) => match[1]!)
      return hosts.length !== 1 || !/^(?:[a-z0-9.]+|\[::1\])(?::\d{1,4})?$/.test(hosts[0]!)
    },
  },
  {
    name: 'H3 no Transfer-Encoding in HTTP/1.0; llhttp takes it',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    holds: (rest) => requestLine(rest).endsWith(' HTTP/1.0') && codings(rest) !== '',
  },
  {
    name: 'H2 no length above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    holds: (rest) => /^content-length:[ \t]*\d{16,}/im.test(head(rest)),
  },
  {
    name: 'H4 no list of codings but `chunked` alone; llhttp looks at the end of the list',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    holds: (rest) => !/^chunked$/i.test(codings(rest)) && codings(rest) !== '',
  },
  {
    name: 'H4 no coding beside chunked; llhttp takes any before it',
    kind: 'stricter',
    code: 'ERR_TRANSFER_CODING',
    holds: (rest) => /,\s*chunked$/i.test(codings(rest)),
  },
  {
    name: 'H6 no chunk size above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_CHUNK',
    holds: (rest) => /^[0-9a-f]{14,}/im.test(rest),
  },
  {
    name: 'the form of a target is judged when the head is complete; llhttp judges each byte',
    kind: 'laxer',
    code: 'incomplete',
    holds: (rest, { node }) => node === 'HPE_INVALID_URL' && !/^[^ ]+ \//.test(requestLine(rest)),
  },
  {
    name: 'H6 a blank may stand before an extension (RFC 9112 §7.1.1); llhttp refuses it',
    kind: 'laxer',
    holds: (rest, { node }) => node === 'HPE_INVALID_CHUNK_SIZE' && /\n[0-9a-f]+[ \t]+;/i.test(rest),
  },
  {
    name: 'H6 extensions are dropped whatever they say; llhttp checks their quotes and tokens',
    kind: 'laxer',
    holds: (rest, { node }) => /STRICT|INVALID_CHUNK_SIZE/.test(node) && /\n[0-9a-f]+;[^\r\n]*\r\n/i.test(rest),
  },
  {
    name: 'framing fields are judged when the head is complete; llhttp judges each line',
    kind: 'laxer',
    code: 'incomplete',
    holds: (rest, { node }) => !rest.includes('\r\n\r\n') && /CONTENT_LENGTH|TRANSFER_ENCODING/.test(node),
  },
  {
    name: 'Proxy-Connection says nothing about a connection (RFC 9112 §C.2.2); llhttp reads it like Connection',
    kind: 'laxer',
    holds: (_rest, { before, node }) => node === 'HPE_CLOSED_CONNECTION' && /^proxy-connection: close/im.test(before),
  },
  {
    name: 'H4 a tab may follow the coding as any blank may; llhttp takes spaces only',
    kind: 'laxer',
    holds: (rest, { node }) => node === 'HPE_INVALID_TRANSFER_ENCODING' && /^transfer-encoding:.*\t\r$/im.test(rest),
  },
  {
    name: 'H6 framing fields in trailers are dropped; llhttp refuses them',
    kind: 'laxer',
    holds: (rest, { node }) =>
      /CONTENT_LENGTH|TRANSFER_ENCODING/.test(node) &&
      /\n0*\r\n(?:.*\r\n)*(?:content-length|transfer-encoding):/i.test(rest),
  },
  {
    name: 'any token is a method (RFC 9110 §9.1); llhttp knows a list',
    kind: 'laxer',
    holds: (rest) => !METHODS.includes(requestLine(rest).split(' ')[0]!),
  },
  {
    name: 'H9 a higher minor version is handled as 1; llhttp refuses it',
    kind: 'laxer',
    holds: (rest) => / HTTP\/1\.[2-9]/.test(requestLine(rest)),
  },
  {
    name: 'bytes above 0x7f in the target are let through and percent-encoded later; llhttp refuses them',
    kind: 'laxer',
    holds: (rest) => /[\x80-\xff]/.test(requestLine(rest)),
  },
]

/** The first explanation that holds, or null. */
export function explain(difference: Difference): string | null {
  const found = explanations.find(
    ({ kind, code, holds }) =>
      kind === difference.kind && (code === undefined || code === difference.own) && holds(difference.rest, difference),
  )
  return found?.name ?? null
}

function head(rest: string): string {
  return rest.split('\r\n\r\n', 1)[0]! + '\r\n'
}

function requestLine(rest: string): string {
  return rest.replace(/^\r\n/, '').split('\r\n', 1)[0]!
}

/** All Transfer-Encoding values of the first head, joined. */
function codings(rest: string): string {
  return [...head(rest).matchAll(/^transfer-encoding:[ \t]*(.*?)[ \t]*\r$/gim)]
    .map((match) => match[1] || '(empty)')
    .join(',')
}
