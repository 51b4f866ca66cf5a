import { Headers } from '../../core/headers.ts'
import { known } from '../../core/header-names.ts'
import { noBody } from '../body.ts'
import type { Exchange, Reply } from '../exchange.ts'

/** What a door may be asked with, for `Allow` where no route is concerned. */
export const servedMethods = 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE'

/** What TRACE does not send back (RFC 9110 §9.3.8). */
const sensitive = new Set(['authorization', 'cookie', 'proxy-authorization'])

/**
 * Counts `Max-Forwards` down on OPTIONS and TRACE (RFC 9110 §7.6.2). At 0 the request stops here:
 * the reply to it is returned, else null.
 */
export function countForwards(exchange: Exchange): Reply | null {
  const { headers, method } = exchange
  if (method !== 'OPTIONS' && method !== 'TRACE') return null
  const at = headers.find(known.maxForwards)
  if (at < 0) return null
  const text = headers.valueAt(at)
  if (!/^\d{1,9}$/.test(text)) return null
  const left = Number(text)
  if (left > 0) {
    headers.set('max-forwards', String(left - 1))
    return null
  }
  if (method === 'OPTIONS') {
    return { status: 200, headers: Headers.from([['Allow', servedMethods]]), body: noBody }
  }
  let echo = `TRACE ${exchange.target} HTTP/1.${exchange.versionMinor}\r\n`
  for (const [name, value] of headers) if (!sensitive.has(name.toLowerCase())) echo += `${name}: ${value}\r\n`
  return {
    status: 200,
    headers: Headers.from([['Content-Type', 'message/http']]),
    body: { kind: 'bytes', bytes: Buffer.from(`${echo}\r\n`, 'latin1') },
  }
}
