import type { Headers } from './headers.ts'

/** The first cookie of that name that a client sent (RFC 6265 §4.2), undefined for none. */
export function cookieValue(headers: Headers, name: string): string | undefined {
  // RFC 9113 §8.2.3: there may be several fields.
  for (const field of headers.getAll('cookie')) {
    for (const pair of field.split(';')) {
      const sign = pair.indexOf('=')
      if (sign > 0 && pair.slice(0, sign).trim() === name) return pair.slice(sign + 1).trim()
    }
  }
  return undefined
}
