import { createHash } from 'node:crypto'
import { flatText } from '../../core/flat-text.ts'
import { ipBytes, isIPv4 } from '../../core/ip.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { RateLimitOptions } from './config.ts'

/** Longer values of a header count by their hash, so that a key stays small. */
const KEY_CHARACTERS = 64

/** Says which bucket a request draws from. */
export type RateKey = (exchange: Exchange) => string

export function rateKey({ by, ipv6Prefix }: Pick<RateLimitOptions, 'by' | 'ipv6Prefix'>): RateKey {
  if (by === 'global') return () => ''
  if (by === 'route') return ({ route }) => route
  const client = clientKey(ipv6Prefix)
  if (by === 'clientIp') return client
  const { header } = by
  return (exchange) => {
    const value = exchange.headers.get(header)
    // No field value holds a NUL: no client can pass for another's address.
    if (value === undefined || value === '') return `\0${client(exchange)}`
    // Flat: a slice would keep the whole head alive.
    return value.length > KEY_CHARACTERS ? createHash('sha256').update(value).digest('base64') : flatText(value)
  }
}

function clientKey(ipv6Prefix: number): RateKey {
  let lastAddress = ''
  let lastKey = ''
  return ({ clientAddress }) => {
    if (!clientAddress.includes(':')) return clientAddress
    // A client's requests come in runs.
    if (clientAddress !== lastAddress) {
      lastKey = addressPrefix(clientAddress, ipv6Prefix)
      lastAddress = clientAddress
    }
    return lastKey
  }
}

/** The first bits of an IPv6 address; the whole of an IPv4 one, also where it is written as ::ffff:a.b.c.d. */
export function addressPrefix(address: string, bits: number): string {
  const bytes = isIPv4(address) ? null : ipBytes(address)
  if (bytes === null) return address
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  if (mapped) return bytes.subarray(12).join('.')
  const whole = bits >> 3
  if (whole < 16) bytes[whole]! &= 0xff00 >> (bits & 7)
  bytes.fill(0, whole + 1)
  return `${Buffer.from(bytes).toString('hex')}/${bits}`
}
