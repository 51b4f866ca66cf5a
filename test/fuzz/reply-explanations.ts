import type { Explanation } from './explanations.ts'

const chunkedReply = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

/** Every way in which Turnpike's reply parser is known to differ from Node's, and why it does. */
export const replyExplanations: Explanation[] = [
  {
    name: 'H3 no Transfer-Encoding in HTTP/1.0; llhttp takes it',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_FRAMING',
    example: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    holds: (rest) => rest.startsWith('HTTP/1.0') && /^transfer-encoding/im.test(rest),
  },
  {
    name: 'H4 no list of codings that ends in chunked but chunked alone; llhttp looks at the end of the list',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_FRAMING',
    example: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    holds: (rest) => /^transfer-encoding:(?!\s*chunked\s*\r).*(?:,|;|"|:\s*\r)/im.test(rest),
  },
  {
    name: 'H2 no length above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_FRAMING',
    example: 'HTTP/1.1 200 OK\r\nContent-Length: 9007199254740992\r\n\r\n',
    holds: (rest) => /^content-length:[ \t]*\d{16,}/im.test(rest),
  },
  {
    name: 'H6 no chunk size above 2^53-1; llhttp goes to 2^64-1',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_CHUNK',
    example: `${chunkedReply}\r\n20000000000000\r\nx`,
    holds: (rest) => /^[0-9a-f]{14,}/im.test(rest),
  },
  {
    name: 'H9 HTTP/1 alone; llhttp takes 0.9 and 2.0 too',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_HEAD',
    example: 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    holds: (rest) => /^HTTP\/[02]/.test(rest),
  },
  {
    name: 'RFC 9112 §4 no control byte in the reason; llhttp lets all but CR and LF through',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_HEAD',
    example: 'HTTP/1.1 200 a\0b\r\n\r\n',
    // oxlint-disable-next-line no-control-regex
    holds: (rest) => /^[^\r\n]*[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(rest),
  },
  {
    name: 'RFC 9110 §15 no status below 100; llhttp takes any three digits',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_HEAD',
    example: 'HTTP/1.1 099 X\r\n\r\n',
    holds: (rest) => /^HTTP\/1\.\d 0/.test(rest),
  },
  {
    name: 'a status line is refused at its first wrong byte; llhttp waits for a few more',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_HEAD',
    example: 'I',
    holds: (rest) => !rest.includes('\r') && !/^H(?:T(?:T(?:P(?:\/(?:1(?:\.\d?)?)?)?)?)?)?$/.test(rest),
  },
  {
    name: 'RFC 9112 §5.1 and §5.2: a blank before the colon is removed, a folded line becomes a blank; llhttp refuses both',
    kind: 'laxer',
    example: 'HTTP/1.1 200 OK\r\nX : b\r\n\r\n',
    holds: (rest, { node }) =>
      /INVALID_HEADER_TOKEN|UNEXPECTED_SPACE|INVALID_CONTENT_LENGTH|TRANSFER_ENCODING/.test(node) &&
      /\r\n[^:\r\n]+[ \t]+(?::|\r?$)|\r\n[ \t]/.test(rest),
  },
  {
    name: 'H9 a higher minor version is handled as 1; llhttp refuses it',
    kind: 'laxer',
    example: 'HTTP/1.2 200 OK\r\n\r\n',
    holds: (rest, { node }) => node === 'HPE_INVALID_VERSION' && /^HTTP\/1\.[2-9]/.test(rest),
  },
  {
    name: 'framing fields are judged when the head is complete; llhttp judges each line',
    kind: 'laxer',
    code: 'incomplete',
    example: 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n',
    holds: (rest, { node }) => !rest.includes('\r\n\r\n') && /CONTENT_LENGTH|TRANSFER_ENCODING/.test(node),
  },
  {
    name: 'H4 a tab may follow the coding as any blank may; llhttp takes spaces only, and reads until close',
    kind: 'value',
    example: `${chunkedReply.slice(0, -2)}\t\r\n\r\n0\r\n\r\n`,
    holds: (rest) => /^transfer-encoding:.*\t\r$/im.test(rest),
  },
  {
    name: 'H4 a tab may follow the coding; what llhttp reads until close is then refused as chunks, or still to end',
    kind: 'stricter',
    code: 'ERR_UPSTREAM_CHUNK',
    example: `${chunkedReply.slice(0, -2)}\t\r\n\r\nx`,
    holds: (rest) => /^transfer-encoding:.*\t\r$/im.test(rest),
  },
]
