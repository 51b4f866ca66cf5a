import type { Headers } from '../../core/headers.ts'

/** What stands before a chunk of that many bytes, which CRLF ends; the size is above 0, since 0 would end the body. */
export function chunkPrefix(size: number): string {
  return `${size.toString(16)}\r\n`
}

/** The last chunk, the trailers and the end of the message (RFC 9112 §7.1). */
export function lastChunk(trailers: Headers | null): string {
  return trailers === null ? '0\r\n\r\n' : `0\r\n${trailers.toText()}\r\n`
}

/** The first line of a reply, CRLF included. Turnpike speaks HTTP/1.1 whatever the peer said (RFC 9110 §2.5). */
export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`
}

/** The registered reason phrase of a status, '' for an unknown one. */
export function reasonPhrase(status: number): string {
  return phrases[status] ?? ''
}

/** A date as HTTP writes it (RFC 9110 §5.6.7), from ms since 1970; cheap enough to make once a second. */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString()
}

/** The IANA registry of status codes, and 499, which logs use for a client that went away. */
const phrases: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  208: 'Already Reported',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  506: 'Variant Also Negotiates',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
}
