import { hash } from 'node:crypto'
import type { ClientHello } from './client-hello.ts'

const SERVER_NAME = 0
const ALPN = 16

const versions: Record<number, string> = {
  0x0304: '13',
  0x0303: '12',
  0x0302: '11',
  0x0301: '10',
  0x0300: 's3',
  0x0002: 's2',
}

/**
 * The JA4 fingerprint of a client of TLS over TCP (T5), as FoxIO defines it (JA4.md in FoxIO-LLC/ja4): which software
 * it looks like, the same whatever order it lists its extensions in. Two hashes, some microseconds.
 */
export function ja4({ version, alpn, ciphers, extensions, signatureAlgorithms }: ClientHello): string {
  const name = extensions.includes(SERVER_NAME) ? 'd' : 'i'
  const head = `t${versions[version] ?? '00'}${name}${count(ciphers)}${count(extensions)}${ends(alpn[0] ?? '')}`
  const others = extensions.filter((type) => type !== SERVER_NAME && type !== ALPN)
  const listed = hexadecimal(others).toSorted().join(',')
  const signatures = hexadecimal(signatureAlgorithms).join(',')
  const behind = listed === '' || signatures === '' ? '' : `_${signatures}`
  return `${head}_${digest(hexadecimal(ciphers).toSorted().join(','))}_${digest(listed + behind)}`
}

function count(list: readonly number[]): string {
  return String(Math.min(99, list.length)).padStart(2, '0')
}

/** First and last character of a protocol, or of its bytes in hexadecimal where either is neither letter nor digit. */
function ends(protocol: string): string {
  if (protocol === '') return '00'
  const isPlain = /^[0-9A-Za-z](?:.*[0-9A-Za-z])?$/s.test(protocol)
  const text = isPlain ? protocol : Buffer.from(protocol, 'latin1').toString('hex')
  return text[0]! + text.at(-1)!
}

function hexadecimal(codes: readonly number[]): string[] {
  return codes.map((code) => code.toString(16).padStart(4, '0'))
}

function digest(text: string): string {
  return text === '' ? '000000000000' : hash('sha256', text).slice(0, 12)
}
