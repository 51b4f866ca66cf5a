import { METHODS } from 'node:http'
import type { Difference } from './difference.ts'

/** One known difference. */
export interface Explanation {
  name: string
  kind: Difference['kind']
  /** Turnpike's code, for what it refuses. */
  code?: string
  /** The least that needs it; a test asks both parsers. */
  example: string
  /** Whether the bytes show that this is the reason; written apart from the parser. */
  holds: (rest: string, difference: Difference) => boolean
}

/** Every way in which Turnpike's request parser is known to differ from Node's, and why it does. */
export const requestExplanations: Explanation[] = [
  {
    name: 'H9 one CRLF before a request is passed over; llhttp passes over any number of CR and LF',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    example: '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (rest) => /^(?:\r\n)?(?:\n|\r(?!\n)|\r\n)/.test(rest) && !/^\r\n[^\r\n]/.test(rest),
  },
  {
    name: 'H9 single blanks in the request line; llhttp takes several before the version',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    example: 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (rest) => requestLine(rest).split(' ').length > 3,
  },
  {
    name: 'H9 a version is there; llhttp takes none for HTTP/0.9, and reads fields all the same',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    example: 'GET /\nHost: a\r\n\r\n',
    holds: (rest) => !/ HTTP\/\d\.\d$/.test(requestLine(rest).split('\n', 1)[0]!),
  },
  {
    name: 'H9 the target has one of the four forms and no fragment; llhttp checks its characters only',
    kind: 'stricter',
    code: 'ERR_REQUEST_LINE',
    example: 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (rest) => !/^[^ ]+ \/[^# ]* /.test(requestLine(rest)) || requestLine(rest).startsWith('CONNECT '),
  },
  {
    name: 'H9 HTTP/1 alone; llhttp takes 0.9 and 2.0 too',
    kind: 'stricter',
    code: 'ERR_HTTP_VERSION',
    example: 'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
    holds: (rest) => /HTTP\/(?:0\.9|2\.0)$/.test(requestLine(rest)),
  },
  {
    name: 'H10 one valid Host; llhttp leaves that to its user',
    kind: 'stricter',
    code: 'ERR_HOST',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    holds: (rest) => {
      const hosts = [...head(rest).matchAll(/^host:[ \t]*(.*?)[ \t]*\r$/gim)].map((match) => match[1]!)
      return hosts.length !== 1 || !/^(?:[a-z0-9.]+|\[::1\])(?::\d{1,4})?$/.test(hosts[0]!)
    },
  },
  {
    name: 'H3 no Transfer-Encoding in HTTP/1.0; llhttp takes it',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    example: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    holds: (rest) => requestLine(rest).endsWith(' HTTP/1.0') && codings(rest) !== '',
  },
  {
    name: 'H2 no length above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740992\r\n\r\n',
    holds: (rest) => /^content-length:[ \t]*\d{16,}/im.test(head(rest)),
  },
  {
    name: 'H4 the codings are a well-formed list that ends in chunked; llhttp looks at its end, after the head was handed on',
    kind: 'stricter',
    code: 'ERR_FRAMING',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n',
    holds: (rest) => !/^chunked$/i.test(codings(rest)) && codings(rest) !== '',
  },
  {
    name: 'H4 no coding beside chunked; llhttp takes any before it',
    kind: 'stricter',
    code: 'ERR_TRANSFER_CODING',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    holds: (rest) => /,\s*chunked$/i.test(codings(rest)),
  },
  {
    name: 'H6 no chunk size above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_CHUNK',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000000000000\r\nx',
    holds: (rest) => /^[0-9a-f]{14,}/im.test(rest),
  },
  {
    name: 'the form of a target is judged when the head is complete; llhttp judges each byte',
    kind: 'laxer',
    code: 'incomplete',
    example: 'GET a:80 ',
    holds: (rest, { node }) => node === 'HPE_INVALID_URL' && !/^[^ ]+ \//.test(requestLine(rest)),
  },
  {
    name: 'the version is judged with its line end; llhttp judges each byte',
    kind: 'laxer',
    code: 'incomplete',
    example: 'GET / HTTP/3.0',
    holds: (rest, { node }) => node === 'HPE_INVALID_VERSION' && / HTTP\/\d\.\d\r?$/.test(rest),
  },
  {
    name: 'H9 a CR is half an empty line; llhttp has nothing begun after it',
    kind: 'value',
    code: 'incomplete',
    example: '\r',
    holds: (rest, { node }) => node === 'end' && rest === '\r',
  },
  {
    name: 'H6 a blank may stand before an extension (RFC 9112 §7.1.1); llhttp refuses it',
    kind: 'laxer',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0\r\n\r\n',
    holds: (rest, { node }) => node === 'HPE_INVALID_CHUNK_SIZE' && /\n[0-9a-f]+[ \t]+;/i.test(rest),
  },
  {
    name: 'H6 extensions are dropped whatever they say; llhttp checks their quotes and tokens',
    kind: 'laxer',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;"\r\nx\r\n0\r\n\r\n',
    holds: (rest, { node }) => /STRICT|INVALID_CHUNK_SIZE/.test(node) && /\n[0-9a-f]+;[^\r\n]*\r/i.test(rest),
  },
  {
    name: 'framing fields are judged when the head is complete; llhttp judges each line',
    kind: 'laxer',
    code: 'incomplete',
    example: 'POST / HTTP/1.1\r\nContent-Length: x\r\n',
    holds: (rest, { node }) => !rest.includes('\r\n\r\n') && /CONTENT_LENGTH|TRANSFER_ENCODING/.test(node),
  },
  {
    name: 'Proxy-Connection says nothing about a connection (RFC 9112 §C.2.2); llhttp reads it like Connection',
    kind: 'laxer',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (_rest, { before, node }) => node === 'HPE_CLOSED_CONNECTION' && /^proxy-connection: close/im.test(before),
  },
  {
    name: 'H4 a tab may follow the coding as any blank may; llhttp takes spaces only',
    kind: 'laxer',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n',
    holds: (rest, { node }) => node === 'HPE_INVALID_TRANSFER_ENCODING' && /^transfer-encoding:.*\t\r$/im.test(rest),
  },
  {
    name: 'H6 framing fields in trailers are dropped; llhttp refuses them',
    kind: 'laxer',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n',
    holds: (rest, { node }) =>
      /CONTENT_LENGTH|TRANSFER_ENCODING/.test(node) &&
      /\n0*\r\n(?:.*\r\n)*(?:content-length|transfer-encoding):/i.test(rest),
  },
  {
    name: 'any token is a method (RFC 9110 §9.1); llhttp knows a list',
    kind: 'laxer',
    example: 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (rest) => !METHODS.includes(requestLine(rest).split(' ')[0]!),
  },
  {
    name: 'H9 a higher minor version is handled as 1; llhttp refuses it',
    kind: 'laxer',
    example: 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
    holds: (rest) => / HTTP\/1\.[2-9]/.test(requestLine(rest)),
  },
  {
    name: 'bytes above 0x7f in the target are let through and percent-encoded later; llhttp refuses them',
    kind: 'laxer',
    example: 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n',
    holds: (rest) => /[\x80-\xff]/.test(requestLine(rest)),
  },
]

/** The name of the first of the explanations that holds, or null. */
export function explain(difference: Difference, among: Explanation[]): string | null {
  const found = among.find(
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
