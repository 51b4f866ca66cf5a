import { attack, forward, get, got, message, post, posted, refuse, smuggled, type Vector } from './vector.ts'

const host = 'Host: origin.example'
const chunkedHello = '5\r\nhello\r\n0\r\n\r\n'
const chunked = 'Transfer-Encoding: chunked'
const lastChunkThenSmuggled = `0\r\n\r\n${smuggled}`
const length = (body: string): string => `Content-Length: ${body.length}`
const get2 = message(['GET /{id}/2 HTTP/1.1', host])
const got2 = { ...got(), target: '/{id}/2' }

const bothFramings: Vector[] = [
  attack('CL.TE: a length, then chunked', 'H1', post([length(lastChunkThenSmuggled), chunked], lastChunkThenSmuggled)),
  attack('TE.CL: chunked, then a length', 'H1', post([chunked, length(lastChunkThenSmuggled)], lastChunkThenSmuggled)),
  refuse('a length that agrees with the chunks', 'H1', post(['Content-Length: 5', chunked], lastChunkThenSmuggled)),
  forward(
    'CL.0: a body that looks like a request is a body',
    'H12',
    post([length(smuggled)], smuggled),
    posted(smuggled),
  ),
  forward(
    'a GET with a body that looks like a request',
    'H12',
    message(['GET /{id} HTTP/1.1', host, length(smuggled)], smuggled),
    got({ body: smuggled }),
  ),
  forward(
    'a GET with a chunked body',
    'H6 H12',
    message(['GET /{id} HTTP/1.1', host, chunked], chunkedHello),
    got({ body: 'hello' }),
  ),
]

const codings: Vector[] = [
  refuse('xchunked', 'H4', post(['Transfer-Encoding: xchunked'], chunkedHello), [400, 501]),
  attack(
    'xchunked beside a length',
    'H1 H4',
    post(['Transfer-Encoding: xchunked', length(lastChunkThenSmuggled)], lastChunkThenSmuggled),
    [400, 501],
  ),
  refuse('chunked, then identity', 'H4', post([chunked, 'Transfer-Encoding: identity'], chunkedHello), [400, 501]),
  refuse('identity', 'H4', post(['Transfer-Encoding: identity'], ''), [400, 501]),
  refuse('gzip is last', 'H4', post(['Transfer-Encoding: chunked, gzip'], chunkedHello), [400, 501]),
  refuse('gzip alone', 'H4', post(['Transfer-Encoding: gzip'], ''), [400, 501]),
  refuse('an unknown coding before chunked', 'H4', post(['Transfer-Encoding: cow, chunked'], chunkedHello), [400, 501]),
  refuse('vertical tab before chunked', 'H4', post(['Transfer-Encoding: \x0bchunked'], chunkedHello)),
  refuse('form feed after chunked', 'H4', post(['Transfer-Encoding: chunked\x0c'], chunkedHello)),
  refuse('NUL in chunked', 'H4 H5', post(['Transfer-Encoding: chunk\0ed'], chunkedHello)),
  refuse('folded before chunked', 'H5', post(['Transfer-Encoding:\r\n chunked'], chunkedHello)),
  refuse('folded after chunked', 'H5', post(['Transfer-Encoding: chunked\r\n , identity'], chunkedHello)),
  refuse('chunked twice in one field', 'H4', post(['Transfer-Encoding: chunked, chunked'], chunkedHello)),
  refuse('chunked twice in two fields', 'H4', post([chunked, chunked], chunkedHello)),
  refuse('chunked in quotes', 'H4', post(['Transfer-Encoding: "chunked"'], chunkedHello), [400, 501]),
  refuse('chunked in single quotes', 'H4', post(["Transfer-Encoding: 'chunked'"], chunkedHello), [400, 501]),
  refuse('chunked with a parameter', 'H4', post(['Transfer-Encoding: chunked;x=1'], chunkedHello)),
  refuse('an empty coding', 'H4', post(['Transfer-Encoding:'], chunkedHello)),
  attack(
    'space before the colon',
    'H5',
    post([length(lastChunkThenSmuggled), 'Transfer-Encoding : chunked'], lastChunkThenSmuggled),
  ),
  refuse('tab before the colon', 'H5', post(['Transfer-Encoding\t: chunked'], chunkedHello)),
  attack(
    'space before the name',
    'H5',
    post(['X: y', ' Transfer-Encoding: chunked', length(lastChunkThenSmuggled)], lastChunkThenSmuggled),
  ),
  refuse('space before the first name', 'H5', message(['POST /{id} HTTP/1.1', ` ${host}`, host], '')),
  attack(
    'bare CR before the name',
    'H5',
    post([length(lastChunkThenSmuggled), 'X: y\rTransfer-Encoding: chunked'], lastChunkThenSmuggled),
  ),
  attack(
    'bare LF before the name',
    'H5',
    post([length(lastChunkThenSmuggled), 'X: y\nTransfer-Encoding: chunked'], lastChunkThenSmuggled),
  ),
  refuse('in HTTP/1.0', 'H3', message(['POST /{id} HTTP/1.0', host, chunked], chunkedHello)),
  refuse(
    'in HTTP/1.0 with keep-alive',
    'H3',
    message(['POST /{id} HTTP/1.0', host, 'Connection: keep-alive', chunked], lastChunkThenSmuggled),
  ),
  forward(
    'a tab around chunked is a blank',
    'H4',
    post(['Transfer-Encoding:\tchunked\t'], chunkedHello),
    posted('hello'),
  ),
  forward('no blank before chunked', 'H4', post(['Transfer-Encoding:chunked'], chunkedHello), posted('hello')),
  forward('CHUNKED in capitals', 'H4', post(['TRANSFER-ENCODING: CHUNKED'], chunkedHello), posted('hello')),
  forward(
    'an underscore is no hyphen: Transfer_Encoding',
    'H4',
    post(['Transfer_Encoding: chunked', 'Content-Length: 5'], 'hello'),
    posted('hello'),
  ),
  forward(
    'an underscore is no hyphen: Content_Length',
    'H2',
    post(['Content_Length: 50', 'Content-Length: 5'], 'hello'),
    posted('hello'),
  ),
  forward(
    'TE names no coding of this message',
    'H13',
    post(['TE: chunked', 'Content-Length: 5'], 'hello'),
    posted('hello', { absent: ['te'] }),
  ),
]

const lengths: Vector[] = [
  ...(
    [
      ['twice the same', ['Content-Length: 5', 'Content-Length: 5']],
      ['two different', ['Content-Length: 5', 'Content-Length: 6']],
      ['a list of the same', ['Content-Length: 5, 5']],
      ['a list of different', ['Content-Length: 5, 6']],
      ['a plus sign', ['Content-Length: +5']],
      ['a minus sign', ['Content-Length: -5']],
      ['hexadecimal', ['Content-Length: 0x5']],
      ['a fraction', ['Content-Length: 5.0']],
      ['an exponent', ['Content-Length: 5e0']],
      ['a blank inside', ['Content-Length: 1 5']],
      ['an underscore inside', ['Content-Length: 0_5']],
      ['empty', ['Content-Length:']],
      ['quoted', ['Content-Length: "5"']],
      ['NUL behind it', ['Content-Length: 5\0']],
      ['above 2^53-1', ['Content-Length: 9007199254740993']],
      ['above 2^64', ['Content-Length: 18446744073709551621']],
      ['space before the colon', ['Content-Length : 5']],
      ['folded', ['Content-Length:\r\n 5']],
      ['of a body in digits of another script', ['Content-Length: \xd9\xa5']],
    ] as const
  ).map(([name, fields]) => refuse(`Content-Length ${name}`, 'H2 H5', post(fields, 'hello'))),
  attack('two lengths hide a request', 'H2', post(['Content-Length: 0', length(smuggled)], smuggled)),
  forward('Content-Length with blanks around it', 'H2', post(['Content-Length: \t 5 \t'], 'hello'), posted('hello')),
  forward('Content-Length 0', 'H2', post(['Content-Length: 0']), posted('')),
  forward('Content-Length with leading zeros', 'H2', post(['Content-Length: 0005'], 'hello'), posted('hello')),
]

const withChunks = (body: string): string => post([chunked], body)

const chunks: Vector[] = [
  ...(
    [
      ['size ends in a bare LF', '5\nhello\r\n0\r\n\r\n'],
      ['size ends in a bare CR', '5\rhello\r\n0\r\n\r\n'],
      ['size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
      ['size with a plus sign', '+5\r\nhello\r\n0\r\n\r\n'],
      ['size with a minus sign', '-5\r\nhello\r\n0\r\n\r\n'],
      ['size after a blank', ' 5\r\nhello\r\n0\r\n\r\n'],
      ['size with an underscore', '0_5\r\nhello\r\n0\r\n\r\n'],
      ['no size', '\r\nhello\r\n0\r\n\r\n'],
      ['size above 2^64', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
      ['size above 2^32 by sign', 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
      ['size of letters', 'xyz\r\nhello\r\n0\r\n\r\n'],
      ['CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
      ['LF in an extension', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
      ['NUL in an extension', '5;a\0b\r\nhello\r\n0\r\n\r\n'],
      ['an extension of 100 000 bytes', `5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`],
      ['no line end after the data', '5\r\nhello0\r\n\r\n'],
      ['a bare LF after the data', '5\r\nhello\n0\r\n\r\n'],
      ['two other bytes after the data', '5\r\nhelloXX0\r\n\r\n'],
      ['a trailer without a colon', '5\r\nhello\r\n0\r\nnonsense\r\n\r\n'],
      ['a trailer with a space before the colon', '5\r\nhello\r\n0\r\nX : y\r\n\r\n'],
      ['a bare LF after the last chunk', '5\r\nhello\r\n0\r\n\n'],
      ['trailers of 200 000 bytes', `5\r\nhello\r\n0\r\n${'X: yyyyyyyyyyyyyyyyyy\r\n'.repeat(10_000)}\r\n`],
    ] as const
  ).map(([name, body]) => refuse(`chunks: ${name}`, 'H6', withChunks(body), [400, 413, 431])),
  forward(
    'chunks: an extension is dropped',
    'H6',
    withChunks('5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n'),
    posted('hello'),
  ),
  forward(
    'chunks: capitals and leading zeros',
    'H6',
    withChunks(`00A\r\n0123456789\r\n000\r\n\r\n`),
    posted('0123456789'),
  ),
  forward(
    'chunks: many of one byte',
    'H6',
    withChunks(`${Array.from('hello', (letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`),
    posted('hello'),
  ),
  forward('chunks: none', 'H6', withChunks('0\r\n\r\n'), posted('')),
  forward(
    'chunks: framing fields as trailers mean nothing',
    'H6',
    withChunks('5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\nHost: evil\r\n\r\n'),
    posted('hello'),
  ),
  forward('chunks: data that looks like the end', 'H6', withChunks(`5\r\n0\r\n\r\n\r\n0\r\n\r\n`), posted('0\r\n\r\n')),
]

const syntax: Vector[] = [
  ...(
    [
      ['all line ends are bare LF', get().replaceAll('\r', '')],
      ['the request line ends in a bare LF', get().replace('\r\n', '\n')],
      ['one field ends in a bare LF', get('X: y').replace('y\r\n', 'y\n')],
      ['the head ends in LF LF', get().replace('\r\n\r\n', '\r\n\n')],
      ['a bare CR in a value', get('X: a\rb')],
      ['NUL in a value', get('X: a\0b')],
      ['a control byte in a value', get('X: a\x01b')],
      ['DEL in a value', get('X: a\x7fb')],
      ['NUL in a name', get('X\0: a')],
      ['a control byte in a name', get('X\x01: a')],
      ['a space in a name', get('X y: a')],
      ['a parenthesis in a name', get('X(: a')],
      ['a byte above 127 in a name', get('X\xff: a')],
      ['an empty name', get(': a')],
      ['no colon', get('nonsense')],
      ['a folded value', get('X: a\r\n b')],
      ['folded by a tab', get('X: a\r\n\tb')],
    ] as const
  ).map(([name, bytes]) => refuse(`fields: ${name}`, 'H5', bytes)),
  forward('fields: bytes above 127 in a value', 'H5', get('X: caf\xe9'), got()),
  forward('fields: an empty value', 'H5', get('X-Empty:'), got({ headers: { 'x-empty': '' } })),
  forward(
    'fields: underscore and hyphen are two names',
    'H5',
    get('X_User: a', 'X-User: b'),
    got({ headers: { 'x-user': 'b' } }),
  ),
]

const line = (first: string): string => message([first, host])

const requestLines: Vector[] = [
  ...(
    [
      ['lower-case version', 'GET /{id} http/1.1', [400]],
      ['version without a minor', 'GET /{id} HTTP/1', [400]],
      ['version with two digits', 'GET /{id} HTTP/1.10', [400]],
      ['version with a sign', 'GET /{id} HTTP/+1.1', [400]],
      ['another protocol', 'GET /{id} ICAP/1.0', [400]],
      ['major version 2', 'GET /{id} HTTP/2.0', [505]],
      ['major version 0', 'GET /{id} HTTP/0.9', [400, 505]],
      ['no version', 'GET /{id}', [400]],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0', [400, 505]],
      ['two blanks after the method', 'GET  /{id} HTTP/1.1', [400]],
      ['two blanks before the version', 'GET /{id}  HTTP/1.1', [400]],
      ['a tab for a blank', 'GET\t/{id} HTTP/1.1', [400]],
      ['a blank at the end', 'GET /{id} HTTP/1.1 ', [400]],
      ['a blank at the start', ' GET /{id} HTTP/1.1', [400]],
      ['a blank in the target', 'GET /{id} x HTTP/1.1', [400]],
      ['a control byte in the target', 'GET /{id}\x01 HTTP/1.1', [400]],
      ['NUL in the target', 'GET /{id}\0 HTTP/1.1', [400]],
      ['CR in the target', 'GET /{id}\r HTTP/1.1', [400]],
      ['a method that is no token', 'GE(T /{id} HTTP/1.1', [400]],
      ['no method', ' /{id} HTTP/1.1', [400]],
      ['a relative target', 'GET {id} HTTP/1.1', [400]],
      ['an asterisk for GET', 'GET * HTTP/1.1', [400]],
      ['CONNECT', 'CONNECT origin.example:443 HTTP/1.1', [405, 501]],
      ['userinfo in the target', 'GET http://a@origin.example/{id} HTTP/1.1', [400]],
      ['absolute-form without a host', 'GET http:///{id} HTTP/1.1', [400]],
    ] as const
  ).map(([name, first, statuses]) => refuse(`request line: ${name}`, 'H9 H10 H22', line(first), statuses)),
  refuse(
    'request line: a target of 200 000 bytes',
    'H11',
    line(`GET /{id}${'x'.repeat(200_000)} HTTP/1.1`),
    [414, 431],
  ),
  forward('request line: an empty line before it', 'H9', `\r\n${get()}`, got()),
  forward('request line: HTTP/1.2 is 1.1', 'H9', line('GET /{id} HTTP/1.2'), got()),
  forward('request line: an unusual method', 'H9', line('PROPFIND /{id} HTTP/1.1'), got({ method: 'PROPFIND' })),
  forward(
    'request line: a query with odd bytes',
    'H24',
    line('GET /{id}?a=b&c=%00%0d%0a;d HTTP/1.1'),
    got({ target: '/{id}?a=b&c=%00%0d%0a;d' }),
  ),
  {
    ...forward('request line: HTTP/1.0', 'H10', line('GET /{id} HTTP/1.0'), got()),
    closes: true,
  },
]

const hosts: Vector[] = [
  ...(
    [
      ['none', []],
      ['two', [host, host]],
      ['two different', [host, 'Host: other.example']],
      ['with userinfo', ['Host: a@b']],
      ['with a path', ['Host: origin.example/x']],
      ['with a blank', ['Host: origin example']],
      ['a list', ['Host: a.example, b.example']],
      ['with a port that is no number', ['Host: origin.example:x']],
      ['with a port too high', ['Host: origin.example:99999']],
      ['with a question mark', ['Host: origin.example?x']],
      ['with a backslash', ['Host: origin.example\\x']],
      ['an unclosed bracket', ['Host: [::1']],
    ] as const
  ).map(([name, fields]) => refuse(`Host: ${name}`, 'H10', message(['GET /{id} HTTP/1.1', ...fields]))),
  refuse('absolute-form, and no Host', 'H10', message(['GET http://origin.example/{id} HTTP/1.1'])),
  forward(
    'absolute-form wins over Host',
    'H10',
    line('GET http://other.example/{id} HTTP/1.1'),
    got({ host: 'other.example' }),
  ),
  refuse('3 000 fields', 'H11', get(...Array.from({ length: 3000 }, (_, index) => `X-${index}: y`)), [431]),
  refuse('a field of 200 000 bytes', 'H11', get(`X: ${'y'.repeat(200_000)}`), [431]),
]

const hopByHop: Vector[] = [
  forward(
    'Connection names Content-Length',
    'H13',
    post(['Connection: content-length', 'Content-Length: 5'], 'hello'),
    posted('hello'),
  ),
  forward(
    'Connection names Transfer-Encoding',
    'H13',
    post(['Connection: transfer-encoding', chunked], chunkedHello),
    posted('hello'),
  ),
  forward('Connection names Host', 'H13', get('Connection: host'), got()),
  forward(
    'Connection names X-Forwarded-For',
    'H13 H18',
    get('Connection: x-forwarded-for'),
    got({ headers: { 'x-forwarded-for': '127.0.0.1' } }),
  ),
  forward(
    'Connection names a field of the client',
    'H13',
    get('Connection: x-secret', 'X-Secret: y'),
    got({ absent: ['x-secret'] }),
  ),
  {
    ...forward(
      'Connection: close, x',
      'H13',
      get('Connection: close, x-secret', 'X-Secret: y'),
      got({ absent: ['x-secret'] }),
    ),
    closes: true,
  },
  forward(
    'Keep-Alive and Proxy-Connection end here',
    'H13',
    get('Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive'),
    got({ absent: ['keep-alive', 'proxy-connection'] }),
  ),
  forward(
    'an upgrade to h2c is not passed on',
    'H16',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    got({ absent: ['upgrade', 'http2-settings'] }),
  ),
  {
    ...forward(
      'bytes after a request that closes are not a request',
      'H12',
      `${get('Connection: close')}${smuggled}`,
      got(),
    ),
    closes: true,
  },
]

const pipelines: Vector[] = [
  forward('two requests in one segment', 'H12', get() + get2, got(), got2),
  forward('a body, then a request', 'H12', post(['Content-Length: 5'], `hello${get2}`), posted('hello'), got2),
  forward('chunks, then a request', 'H12', post([chunked], chunkedHello + get2), posted('hello'), got2),
  { ...forward('a request, then nonsense', 'H12', `${get()}nonsense\r\n\r\n`, got()), refused: [400] },
  {
    ...forward(
      'a body one byte longer than it says',
      'H12',
      post(['Content-Length: 5'], 'hello!\r\n\r\n'),
      posted('hello'),
    ),
    refused: [400],
  },
  {
    ...forward(
      'a request, then both framings',
      'H1 H12',
      get() + post(['Content-Length: 5', chunked], chunkedHello),
      got(),
    ),
    refused: [400],
  },
]

/** The corpus: what a client may try. */
export const vectors: readonly Vector[] = [
  ...bothFramings,
  ...codings,
  ...lengths,
  ...chunks,
  ...syntax,
  ...requestLines,
  ...hosts,
  ...hopByHop,
  ...pipelines,
]
