import type { Headers } from '../../../core/headers.ts'

/** What a client can compare with what it has. */
export interface Validators {
  /** Strong, with its quotes; '' for none. */
  etag: string
  /** As `Last-Modified` says it; '' for none. */
  lastModified: string
}

/** Which part of a representation a request selects; `end` is the byte behind the last one. */
export type Selection =
  | { kind: 'all' }
  | { kind: 'part'; start: number; end: number }
  /** 304 */
  | { kind: 'notModified' }
  /** 412 */
  | { kind: 'failed' }
  /** 416 */
  | { kind: 'outside' }

const all: Selection = { kind: 'all' }
const conditions = ['range', 'if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'] as const

/** Whether a request asks for all there is: what the go command does (G2). */
export function isPlain(headers: Headers): boolean {
  for (const name of conditions) if (headers.has(name)) return false
  return true
}

/** What a GET or HEAD selects of a representation of `size` bytes. `ranges`: whether parts are sent. */
export function selectionOf(
  method: string,
  headers: Headers,
  size: number,
  validators: Validators,
  ranges: boolean,
): Selection {
  // RFC 9110 §13.2.2 gives the order.
  const { etag, lastModified } = validators
  const match = headers.get('if-match')
  const unmodifiedSince = dateOf(headers.get('if-unmodified-since'))
  if (match !== undefined) {
    if (!isListed(match, etag, false)) return { kind: 'failed' }
  } else if (unmodifiedSince !== null && lastModified !== '' && Date.parse(lastModified) > unmodifiedSince) {
    return { kind: 'failed' }
  }
  const noneMatch = headers.getAll('if-none-match').join(',')
  const modifiedSince = dateOf(headers.get('if-modified-since'))
  if (noneMatch !== '') {
    if (isListed(noneMatch, etag, true)) return { kind: 'notModified' }
  } else if (modifiedSince !== null && lastModified !== '' && Date.parse(lastModified) <= modifiedSince) {
    return { kind: 'notModified' }
  }
  const range = headers.get('range')
  // RFC 9110 §14.2: for GET alone. §13.1.5: what was begun can be gone on with only where it is still the same.
  if (range === undefined || method !== 'GET' || !ranges || !isSame(headers.get('if-range'), validators)) return all
  return partOf(range, size)
}

/** RFC 9110 §14.1.2: one range of bytes. Of several, and of what is no range, all is sent, which §14.2 allows. */
function partOf(range: string, size: number): Selection {
  const [, first, last] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range) ?? []
  if (first === undefined || (first === '' && last === '')) return all
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? { kind: 'outside' } : { kind: 'part', start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return all
  if (start >= size) return { kind: 'outside' }
  return { kind: 'part', start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

function isSame(ifRange: string | undefined, { etag, lastModified }: Validators): boolean {
  return ifRange === undefined || (ifRange !== '' && (ifRange === etag || ifRange === lastModified))
}

/** RFC 9110 §8.8.3.2: the weak comparison ignores what is weak. */
function isListed(list: string, etag: string, weak: boolean): boolean {
  if (list.trim() === '*') return true
  if (etag === '') return false
  return [...list.matchAll(/(W\/)?("[^"]*")/g)].some(
    ([, prefix, tag]) => tag === etag && (weak || prefix === undefined),
  )
}

function dateOf(value: string | undefined): number | null {
  const ms = value === undefined ? NaN : Date.parse(value)
  return Number.isNaN(ms) ? null : ms
}
