import type { Random } from './random.ts'

const methods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS']
const oddMethods = ['get', 'FOO', 'G T', '', 'CONNECT', 'PRI', 'M-SEARCH', 'GET\t', 'SOURCE', 'G@T', 'Post']
const targets = ['/', '/a', '/a/b?c=d&e', '/%20', 'http://h.example/x', '/a;b', '/~', '//a']
const oddTargets = [
  '*',
  'a',
  '',
  '/a#b',
  '/a b',
  '/\x80\xff',
  '/a\x7f',
  '/a\0',
  'http://u@h/',
  'ftp://h/',
  'h:80',
  'http://',
  '/{|}"\\^`<>',
  '\t/',
  'https://[::1]/',
]
const oddVersions = [
  'HTTP/1.2',
  'HTTP/1.9',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/3.0',
  'http/1.1',
  'HTTP/1.10',
  'HTTP/1',
  'HTTP/1.',
  'HTTP 1.1',
  '',
  'HTTP/1.1 ',
  'ICE/1.0',
]
const hosts = ['h.example', 'h:80', '[::1]:8080', '127.0.0.1']
const oddHosts = ['', 'a@b', 'a b', 'a/b', 'h:99999', 'h:x', '[::1', 'a,b', 'a\\b', ' \t', 'h:80:80', 'a\xe9']
const fields = [
  'Accept: */*',
  'X-A: b',
  'Cookie: a=b; c="d"',
  'x-empty:',
  'X-Tab:\ta\t b \t',
  'X-High: \xe4\xff',
  'TE: trailers',
  'Expect: 100-continue',
]
const oddFields = [
  'X : b',
  'X\t: b',
  ' X: b',
  '\tX: b',
  ': b',
  'X',
  'X: a\0b',
  'X: a\x01b',
  'X: a\x7fb',
  'X: a\x0bb',
  'X: a\rb',
  'X: a\nb',
  'X: a\r\n b',
  'X\xe4: b',
  'X\0: b',
  'X(: b',
  'X: b\r',
  'X_Y: b',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: keep-alive, close',
  'Connection: x',
  'Connection: content-length',
  'Keep-Alive: 5',
  'Expect: x',
  'Upgrade: h2c',
  'Connection: upgrade, close',
  'Host: second',
  'Proxy-Connection: close',
]
const oddLengths = [
  '+5',
  '-1',
  '5 5',
  '0x5',
  '5,5',
  '',
  ' ',
  '5;',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551616',
  '1e1',
  '05',
  '\x0b5',
  '5.0',
  '\xa05',
]
const oddCodings = [
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'xchunked',
  'chunked, chunked',
  'chunked;x',
  '\x0bchunked',
  '"chunked"',
  'chunked,',
  ',chunked',
  'Chunked',
  ' chunked\t',
  'chun ked',
  '',
  'gzip',
  'chunked chunked',
  '\xa0chunked',
  'chunked, identity',
  'gzip;q=1, chunked',
]
const oddSizes = [
  '0x1',
  '+1',
  ' 1',
  '1 ',
  '1 ;a',
  '1;',
  '1;a=b',
  '1;a="b"',
  '1;a\x01',
  '1;a\x7f',
  '1;\xe9',
  '01',
  '1 1',
  '1g',
  '',
  '-1',
  '1\t',
  '1\r',
  '1;a\rb',
  '1;a\nb',
  '1;a=b;c',
  '1;"',
  '1; a',
  '20000000000000',
  'fffffffffffffffff',
]
const oddTrailers = [
  'X : b',
  'X',
  ': b',
  'X: a\0',
  'X: a\r\n b',
  ' X: b',
  'X: a\nY: b',
  'Host: b',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'X: a\x7f',
]
const oddEnds = ['\n', '\r', '\r\r\n', '\n\r', '', ' \r\n', '\r\n\r\n', '\r\n ']
const oddBytes = [
  '\0',
  '\t',
  '\n',
  '\r',
  ' ',
  ':',
  ',',
  ';',
  '"',
  '#',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  'a',
  '\x0b',
  '\r\n',
  '/',
  '@',
]

/** A few requests in a row, mostly well-formed, each oddity with a small chance of its own. */
export function generateRequests(random: Random): string {
  const count = 1 + random.below(3)
  let text = ''
  for (let index = 0; index < count; index++) text += generateRequest(random, random.pick([0, 0.02, 0.08]))
  if (random.chance(0.15)) text = mutateBytes(random, text)
  return random.chance(0.05) ? text.slice(0, random.below(text.length)) : text
}

function generateRequest(random: Random, oddness: number): string {
  const choose = (usual: readonly string[], odd: readonly string[]): string =>
    random.pick(random.chance(oddness) ? odd : usual)
  const end = (): string => choose(['\r\n'], oddEnds)
  const lines: string[] = []
  for (let count = random.below(3); count > 0; count--) lines.push(choose(fields, oddFields))
  if (!random.chance(oddness)) lines.push(`Host: ${choose(hosts, oddHosts)}`)
  let body = ''
  if (random.chance(0.3)) {
    const size = random.below(6)
    lines.push(`Content-Length: ${choose([String(size)], oddLengths)}`)
    body = 'x'.repeat(size)
  }
  if (random.chance(body === '' ? 0.3 : oddness)) {
    lines.push(`Transfer-Encoding: ${choose(['chunked'], oddCodings)}`)
    if (random.chance(oddness)) lines.push(`Transfer-Encoding: ${choose(['chunked'], oddCodings)}`)
    body = generateChunks(random, choose)
  }
  shuffle(random, lines)
  const first = `${choose(methods, oddMethods)}${choose([' '], ['  ', '\t', ''])}${choose(targets, oddTargets)}${choose([' '], ['  ', '\t', ''])}`
  const version = choose(random.chance(0.1) ? ['HTTP/1.0'] : ['HTTP/1.1'], oddVersions)
  return (
    choose([''], ['\r\n', '\n', '\r', '\r\n\r\n', ' ']) +
    first +
    version +
    end() +
    lines.map((line) => line + end()).join('') +
    end() +
    body
  )
}

function generateChunks(random: Random, choose: (usual: readonly string[], odd: readonly string[]) => string): string {
  let text = ''
  const end = (): string => choose(['\r\n'], oddEnds)
  for (let count = random.below(3); count > 0; count--) {
    const size = 1 + random.below(20)
    text += choose([size.toString(16), size.toString(16).toUpperCase()], oddSizes) + end() + 'y'.repeat(size) + end()
  }
  text += choose(['0', '000'], oddSizes) + end()
  for (let count = random.below(2); count > 0; count--) text += choose(['X-T: a', 'x-u:'], oddTrailers) + end()
  return text + end()
}

function mutateBytes(random: Random, text: string): string {
  const at = random.below(text.length)
  const cut = random.below(2)
  return text.slice(0, at) + (random.chance(0.8) ? random.pick(oddBytes) : '') + text.slice(at + cut)
}

function shuffle(random: Random, lines: string[]): void {
  for (let index = lines.length - 1; index > 0; index--) {
    const other = random.below(index + 1)
    ;[lines[index], lines[other]] = [lines[other]!, lines[index]!]
  }
}
