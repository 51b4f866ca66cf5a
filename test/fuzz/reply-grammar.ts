import type { Random } from './random.ts'

const statuses = ['200 OK', '404 Not Found', '204 No Content', '304 Not Modified', '200 ', '500 a\tb', '299 \xe4']
const oddStatuses = [
  '200',
  '099 X',
  '20 X',
  '2000 X',
  '999 X',
  '',
  '200  OK',
  'abc OK',
  '200 a\0b',
  '200 a\x7fb',
  '600 X',
  '101 X',
  '200\tOK',
]
const oddVersions = [
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.10',
  'HTTP/1',
  'ICY',
  '',
  'HTTP/1.1 ',
  'HTTP/11',
]
const fields = ['Date: x', 'X-A: b', 'Set-Cookie: a=b', 'x-empty:', 'X-Tab:\ta\t b \t', 'X-High: \xe4\xff']
const oddFields = [
  'X : b',
  'X\t: b',
  'X:\r\n b',
  'X: a\r\n\tb',
  ' X: b',
  ': b',
  'X',
  'X: a\0b',
  'X: a\x7fb',
  'X: a\rb',
  'X: a\nb',
  'X\xe4: b',
  'X Y: b',
  'Connection: close',
  'X: b\r',
]
const oddLengths = ['+3', '-1', '3 3', '0x3', '3,3', '', '9007199254740992', '18446744073709551616', '03']
const oddCodings = [
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'xchunked',
  'chunked, chunked',
  'chunked;x',
  '"chunked"',
  'gzip',
  '',
  'Chunked',
  'chunked\t',
]
const oddSizes = ['0x1', ' 1', '1 ', '1;a=b', '01', '1g', '', '1\r', 'fffffffffffffffff']
const oddEnds = ['\n', '\r', '\r\r\n', '', '\r\n\r\n', '\r\n ']

/** One reply, maybe after a 1xx; mostly well-formed. */
export function generateReply(random: Random): string {
  const oddness = random.pick([0, 0.03, 0.1])
  const choose = (usual: readonly string[], odd: readonly string[]): string =>
    random.pick(random.chance(oddness) ? odd : usual)
  const end = (): string => choose(['\r\n'], oddEnds)
  const lines: string[] = []
  for (let count = random.below(4); count > 0; count--) lines.push(choose(fields, oddFields))
  let body = 'z'.repeat(random.below(5))
  if (random.chance(0.4)) {
    lines.push(`Content-Length: ${choose([String(body.length)], oddLengths)}`)
    if (random.chance(oddness)) lines.push(`Content-Length: ${body.length}`)
  }
  if (random.chance(lines.some((line) => line.startsWith('Content-Length')) ? oddness : 0.5)) {
    lines.push(`Transfer-Encoding: ${choose(['chunked'], oddCodings)}`)
    body = ''
    for (let count = random.below(3); count > 0; count--) {
      const size = 1 + random.below(20)
      body += choose([size.toString(16)], oddSizes) + end() + 'y'.repeat(size) + end()
    }
    body += choose(['0'], oddSizes) + end() + end()
  }
  const interim = random.chance(0.1) ? `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n` : ''
  const version = choose(random.chance(0.1) ? ['HTTP/1.0'] : ['HTTP/1.1'], oddVersions)
  const text = `${interim}${version} ${choose(statuses, oddStatuses)}${end()}${lines.map((line) => line + end()).join('')}${end()}${body}`
  return random.chance(0.1) ? text.slice(0, random.below(text.length)) : text
}
