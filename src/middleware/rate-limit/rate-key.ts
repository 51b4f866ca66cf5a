import { createHash } from 'node:crypto'
import { flatText } from '../../core/flat-text.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { addressPrefix } from '../../policy/address-prefix.ts'
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
